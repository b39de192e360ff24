// Package awscode is the one list of the error codes of AWS's services, with
// what each means for the one who must act.
//
// A code that rolecall decides by is in the table, and so is a text, where a
// code alone does not say enough. Everyone reads answers by Read and decides by
// their Meaning; no other package of ours compares an error of AWS's with a
// string. What a meaning is called in words for users depends on who reads
// them: Cause has the words for anyone, credential those for the
// principal's own calls to STS, internal/refusal those for a place of a job.
//
// To add a code, add it to the group of its meaning; a meaning that decides
// nothing needs no words of its own. The sandbox has its own codes: it is the
// server here.
package awscode

import (
	"errors"
	"net/http"
	"slices"
	"strings"
)

// Codes that are more than read.
const (
	AccessDenied     = "AccessDenied"     // the one code by which STS refuses a probe: no other answer proves anything
	MetadataTooLarge = "MetadataTooLarge" // S3 would answer it: transfers find out before
)

// Answer is an error that a service of AWS's, or a server like one, answered.
type Answer struct {
	Code    string
	Text    string // never shown: a tenant may have chosen the server
	Meaning Meaning
}

// Read finds the answer in err's chain; it is false when nobody answered.
func Read(err error) (Answer, bool) {
	var api interface {
		ErrorCode() string
		ErrorMessage() string
	}
	if !errors.As(err, &api) {
		return Answer{}, false
	}
	a := Answer{Code: api.ErrorCode(), Text: api.ErrorMessage()}
	if a.Meaning = MeaningOf(a.Code, a.Text); a.Meaning == Unlisted && fails(err) {
		a.Meaning = Failing
	}
	return a, true
}

// fails reports whether the status of an answer with an unlisted code says
// that the server is at fault, or is asked too often.
func fails(err error) bool {
	var answer interface{ HTTPStatusCode() int }
	if !errors.As(err, &answer) {
		return false
	}
	status := answer.HTTPStatusCode()
	return status >= http.StatusInternalServerError || status == http.StatusTooManyRequests
}

// Of returns what a code alone means.
func Of(code string) Meaning {
	if means, ok := codes[code]; ok {
		return means
	}
	return codes[strings.TrimPrefix(code, "KMS.")] // which S3 puts in front of KMS's
}

// MeaningOf returns what a code means with the text that it came with.
func MeaningOf(code, text string) Meaning {
	if Of(code) == Denied { // whatever its text says
		return Denied
	}
	for _, t := range texts {
		if (t.code == "" || t.code == code) && t.form.MatchString(text) {
			return t.means
		}
	}
	return Of(code)
}

// InText returns what the known texts in a longer text mean, as logs and tools
// show them, and then the code of the answer, or, if that is not given, the
// known codes among the words, in the order in which they come.
func InText(text, code string) []Meaning {
	var out []Meaning
	add := func(means Meaning) {
		if means != Unlisted && !slices.Contains(out, means) {
			out = append(out, means)
		}
	}
	for _, t := range texts {
		if t.code == "" && t.form.MatchString(text) {
			add(t.means)
		}
	}
	if code != "" {
		add(Of(code))
		return out
	}
	for _, word := range strings.FieldsFunc(text, func(r rune) bool { return r != '.' && !strings.ContainsRune(letters, r) }) {
		word = strings.Trim(word, ".")
		means := Of(word)
		if means == Unlisted {
			means = Of(word[strings.LastIndexByte(word, '.')+1:])
		}
		add(means)
	}
	return out
}

// Shown returns the code if it has the form of one, else an empty string:
// where a tenant chooses the server, the code is a tenant's too.
func Shown(code string) string {
	if len(code) > 64 || strings.Trim(code, letters+".") != "" {
		return ""
	}
	return code
}

const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
