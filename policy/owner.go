package policy

import (
	"fmt"
	"slices"

	"github.com/rolecall/rolecall"
)

// OwnerQuestion is a listing of a bucket that is allowed if one bit of one
// digit of the account that owns it is set, and denied if not.
type OwnerQuestion struct {
	Policy []byte // of the session that asks; several questions share one
	Prefix string // to list
}

// OwnerQuestions finds out which account a bucket belongs to, which S3 does not
// say to anyone of another account: a role that may list the bucket below the prefix
// asks them all in any order, and OwnerOf reads the answers. They are denials
// by s3:ResourceAccount, so no policy of the bucket's goes past them. It is an
// error of code Invalid when the scope, of one prefix, is malformed or too
// long to ask.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/amazon-s3-policy-keys.html
func OwnerQuestions(s Scope) ([]OwnerQuestion, error) {
	s.Operations, s.KMSKey = []Operation{List}, ""
	if err := s.validate(); err != nil {
		return nil, err
	}
	if len(s.Prefixes) != 1 || len(s.Objects) > 0 {
		return nil, &rolecall.Error{Code: rolecall.Invalid, Message: "to ask for a bucket's owner takes one prefix"}
	}
	out := make([]OwnerQuestion, accountDigits*digitBits)
	for next := 0; next < len(out); {
		first, text, doc := next, "", session([]Scope{s}, bare)
		for ; next < len(out); next++ {
			out[next].Prefix = fmt.Sprintf("%s.rolecall-owner-%02d", s.Prefixes[0], next)
			doc = append(doc, draftStatement{
				Effect: "Deny", Action: operationActions[List].s3, Resource: words{"*"},
				Condition: draftConditions{
					{"StringEquals", "s3:prefix", words{escapeLiteral(out[next].Prefix)}},
					{"StringNotLike", "s3:ResourceAccount", ownersWith(next)},
				},
			})
			longer := doc.json()
			if len(longer) > MaxSessionPolicy {
				break
			}
			text = longer
		}
		if next == first {
			return nil, &rolecall.Error{Code: rolecall.Invalid, Message: "the prefix is too long to ask for the bucket's owner"}
		}
		for i := range out[first:next] {
			out[first+i].Policy = []byte(text)
		}
	}
	return out, nil
}

// OwnerOf reads the answers to OwnerQuestions, in their order, as an account.
// It is false when they are no account's: some were denied for another reason.
func OwnerOf(allowed []bool) (string, bool) {
	if len(allowed) != accountDigits*digitBits || !slices.Contains(allowed, true) {
		return "", false
	}
	account := make([]byte, accountDigits)
	for i := range account {
		for bit := range digitBits {
			if allowed[i*digitBits+bit] {
				account[i] |= 1 << bit
			}
		}
		if account[i] += '0'; account[i] > '9' {
			return "", false
		}
	}
	return string(account), true
}

const (
	accountDigits = 12
	digitBits     = 4
)

// ownersWith are patterns of the accounts that the question is about.
func ownersWith(question int) words {
	var out words
	for digit := range 10 {
		if digit>>(question%digitBits)&1 == 1 {
			pattern := slices.Repeat([]byte("?"), accountDigits)
			pattern[question/digitBits] = byte('0' + digit)
			out = append(out, string(pattern))
		}
	}
	return out
}
