package credential

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/rolecall/rolecall"
)

const (
	dispenserBytes = 64 << 10       // of an answer at most
	maxDispensed   = 12 * time.Hour // that credentials count for at most
)

// dispensedMember is a member of an answer that counts.
type dispensedMember int

const (
	dispensedID dispensedMember = iota
	dispensedSecret
	dispensedToken
	dispensedExpiration
	dispensedMembers
)

// memberNamed returns the member of that name: in AWS's spelling, the container
// endpoint's or that of other tools.
func memberNamed(name string) (m dispensedMember, counts bool) {
	switch name {
	case "AccessKeyId", "access_key_id":
		return dispensedID, true
	case "SecretAccessKey", "secret_access_key":
		return dispensedSecret, true
	case "SessionToken", "Token", "session_token":
		return dispensedToken, true
	case "Expiration", "expiration":
		return dispensedExpiration, true
	default:
		return 0, false
	}
}

// readDispensed reads a dispenser's answer. No error shows any of it.
func readDispensed(body []byte, now time.Time) (aws.Credentials, error) {
	bad := func(message, hint string) (aws.Credentials, error) {
		return aws.Credentials{}, &rolecall.Error{Code: rolecall.Invalid, Message: "the dispenser's answer " + message, Hint: hint}
	}
	const form = `Customer: have the dispenser answer {"AccessKeyId": "…", "SecretAccessKey": "…", "SessionToken": "…", "Expiration": "2026-11-01T12:00:00Z"}`
	if len(body) > dispenserBytes {
		return bad("is larger than 64 KiB", form)
	}
	given, err := readMembers(body)
	switch {
	case errors.Is(err, errTwice):
		return bad("gives a member twice, perhaps in two spellings", form)
	case err != nil:
		return bad("is not a JSON object with strings for keys and expiration", form)
	case given[dispensedID] == "" || given[dispensedSecret] == "":
		return bad("has no access key", form)
	case given[dispensedToken] == "":
		return bad("holds a long-lived key, without a session token", "Customer: have the dispenser answer with a session of sts:AssumeRole; only keys that end by themselves are taken")
	case !isGraphic(given[dispensedID]) || !isGraphic(given[dispensedSecret]) || !isGraphic(given[dispensedToken]):
		return bad("holds keys with characters that no key of AWS has", form)
	}
	expires, err := time.Parse(time.RFC3339, given[dispensedExpiration])
	switch {
	case err != nil:
		return bad("has no Expiration that is a time of RFC 3339", form)
	case !expires.After(now):
		return bad("holds credentials that have expired", "Customer: have the dispenser renew its credentials, and set its clock")
	case expires.Sub(now) > maxDispensed:
		expires = now.Add(maxDispensed)
	}
	return aws.Credentials{
		AccessKeyID: given[dispensedID], SecretAccessKey: given[dispensedSecret], SessionToken: given[dispensedToken],
		Source: "rolecall dispenser", CanExpire: true, Expires: expires.UTC(),
	}, nil
}

var errTwice = errors.New("a member is given twice")

// readMembers reads the members that count from one JSON object. The standard
// library's own reading would accept any case of a name, and the last of two.
func readMembers(body []byte) (given [dispensedMembers]string, err error) {
	decoder := json.NewDecoder(bytes.NewReader(body))
	if start, err := decoder.Token(); err != nil || start != json.Delim('{') {
		return given, errors.New("not an object")
	}
	var seen [dispensedMembers]bool
	for decoder.More() {
		name, err := decoder.Token()
		if err != nil {
			return given, errors.New("not JSON")
		}
		member, counts := memberNamed(name.(string)) // names are strings
		var value any = new(json.RawMessage)
		if counts {
			value = new(*string)
		}
		if err := decoder.Decode(value); err != nil {
			return given, errors.New("not JSON, or not a string")
		}
		if !counts {
			continue
		}
		if seen[member] {
			return given, errTwice
		}
		seen[member] = true
		if text := *value.(**string); text != nil {
			given[member] = *text
		}
	}
	if _, err := decoder.Token(); err != nil {
		return given, errors.New("not JSON")
	}
	if _, err := decoder.Token(); err != io.EOF {
		return given, errors.New("there is more after the object")
	}
	return given, nil
}

// dispenserStatus is the status of an answer that is no success.
type dispenserStatus int

// Error shows the status alone.
func (s *dispenserStatus) Error() string { return fmt.Sprintf("the dispenser answered %d", int(*s)) }

func (s *dispenserStatus) refuses() bool {
	return int(*s) == http.StatusUnauthorized || int(*s) == http.StatusForbidden
}

// explainStatus explains what an answer without credentials means, by its status.
func explainStatus(code int, url string) error {
	status := dispenserStatus(code)
	e := &rolecall.Error{Err: &status}
	name := "the dispenser " + url
	switch {
	case status.refuses():
		e.Code = rolecall.Forbidden
		e.Message = fmt.Sprintf("%s refuses (%d)", name, code)
		e.Hint = "Customer: see that the dispenser knows this caller, organization and external id, and grants this access to the bucket and prefix"
	case code == http.StatusNotFound:
		e.Code = rolecall.NotFound
		e.Message = fmt.Sprintf("nothing is at the dispenser's URL %s (404)", url)
		e.Hint = "You: correct the path of the dispenser's URL"
	case code >= 300 && code < 400:
		e.Code = rolecall.Invalid
		e.Message = fmt.Sprintf("%s answers with a redirect (%d), which is not followed", name, code)
		e.Hint = "You: give the URL that it leads to, if that is the dispenser"
	case code == http.StatusTooManyRequests || code >= 500:
		e.Code = rolecall.Unavailable
		e.Message = fmt.Sprintf("%s is overloaded or failing (%d)", name, code)
		e.Hint = "You: try again later. Customer: if it stays so, look at the dispenser's log"
	default:
		e.Code = rolecall.Invalid
		e.Message = fmt.Sprintf("%s answered %d", name, code)
		e.Hint = "Customer: have the dispenser answer 200 with credentials, or 403"
	}
	return e
}

// explainNoAnswer explains why there is no answer. A name that does not exist
// and an address that may not be reached look the same to a tenant: whoever
// could tell them apart could learn which names the operator's network has.
func explainNoAnswer(ctx context.Context, err error, asked string) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	var at *url.Error
	if errors.As(err, &at) {
		err = at.Err // without the URL, whose query has the external id
	}
	name := "the dispenser " + asked
	e := &rolecall.Error{Code: rolecall.Unavailable, Err: fmt.Errorf("ask dispenser: %w", err)}
	var final interface{ RetryableError() bool }
	var unknown *net.DNSError
	var certificate *tls.CertificateVerificationError
	switch {
	case errors.As(err, &final) && !final.RetryableError(), errors.As(err, &unknown) && unknown.IsNotFound:
		e.Code, e.Message = rolecall.Forbidden, name+" may not be reached"
		e.Hint = "You: give a public address. Operator: the cause is in the log; network.allow lists other addresses"
		why := fmt.Sprint(final) // the guard's, without the words of what it was wrapped in
		if unknown != nil {
			why = "there is no host " + unknown.Name
		}
		e.Err = &rolecall.Undisclosed{
			Message: why, Hint: "You: correct the URL. Operator: list the address in network.allow, if requests may go there", Err: e.Err,
		}
	case errors.As(err, &certificate):
		e.Code, e.Message = rolecall.Invalid, name+" has no valid certificate"
		e.Hint = "Customer: give the dispenser a certificate for that host name, of an authority that is commonly trusted"
	case errors.Is(err, context.DeadlineExceeded):
		e.Message, e.Hint = name+" did not answer within ten seconds", "You: try again. Customer: if it stays so, look at the dispenser's log"
	default:
		e.Message, e.Hint = name+" is not reachable", "You: try again. Customer: if it stays so, see whether the dispenser runs"
	}
	return e
}
