package refusal

import (
	"errors"
	"strings"
	"time"

	"github.com/rolecall/rolecall"
	"github.com/rolecall/rolecall/internal/awscode"
	"github.com/rolecall/rolecall/internal/transfer"
	"github.com/rolecall/rolecall/policy"
)

// Answer is what came instead of what S3 was asked for. Its texts are read, and
// never shown: a tenant may have chosen the server.
type Answer struct {
	Err  error
	Kind transfer.Kind
	awscode.Answer
	Denial policy.Denial
	// Attempts says how often was tried in vain, for as long as Took.
	Attempts int
	Took     time.Duration
	Learnt   string // the KMS key that it must be about, where the answer does not say
}

// Read reads an error of a transfer, or of a client of transfer's.
func Read(err error) Answer {
	a := Answer{Err: err, Kind: transfer.KindOf(err)}
	a.Answer, _ = awscode.Read(err)
	var moving *transfer.Error
	if errors.As(err, &moving) {
		a.Attempts, a.Took = moving.Attempts, moving.Took
		a.Answer = awscode.Answer{Code: moving.Code, Text: moving.Text, Meaning: awscode.MeaningOf(moving.Code, moving.Text)}
	}
	if a.Kind == transfer.Denied {
		a.Denial, _ = policy.ReadDenial(a.Text)
	}
	return a
}

// Bare reports whether the answer is a denial that says no more. S3 names what
// refuses only to callers of the bucket's own account or organization.
func (a Answer) Bare() bool { return a.Kind == transfer.Denied && a.Denial.Action == "" }

// OfKey reports whether it is the KMS key that the answer is about, not the
// bucket.
func (a Answer) OfKey() bool {
	return strings.HasPrefix(a.Denial.Action, "kms:") || strings.HasPrefix(a.Code, "KMS.")
}

// Key is the KMS key that the answer is about, if that is known.
func (a Answer) Key() string {
	named := rolecall.Encryption{Type: "aws:kms", Key: a.Denial.Resource}
	if named.Key == "" || named.Validate() != nil {
		return a.Learnt
	}
	return named.Key
}

// policyARN is the ARN of the policy that denies, where AWS names it.
func (a Answer) policyARN() string {
	const plain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_=+,.:/@"
	named := a.Denial.Policy
	if _, err := rolecall.ParseARN(named); err != nil || len(named) > 1024 || strings.Trim(named, plain) != "" {
		return ""
	}
	return named
}
