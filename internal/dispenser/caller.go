package dispenser

import (
	"context"
	"crypto/subtle"
	"net/http"
	"strings"

	"github.com/rolecall/rolecall"
	"github.com/rolecall/rolecall/credential"
	"github.com/rolecall/rolecall/internal/strict"
)

// vendor lists the callers that prove their identity with AWS credentials.
type vendor struct {
	Principals []string `json:"principals"`
}

// bearer says where the bearer secret is.
type bearer struct {
	File string `json:"file"`
	Env  string `json:"env"`
}

// minBearer is the shortest bearer secret, since shorter ones can be guessed.
const minBearer = 20

// callers checks who may call, and how callers authenticate.
func (r *reader) callers(f file) {
	if len(f.Vendor.Principals) == 0 && f.Bearer == nil {
		r.faults.Add("/vendor/principals", "nobody may ask", "You: list the ARN of the vendor's dispenser principal, or give bearer")
	}
	for i, text := range f.Vendor.Principals {
		at := strict.Pointer("vendor", "principals", i)
		a, err := rolecall.ParseARN(text)
		switch {
		case err != nil:
			r.faults.AddErr(at, err)
		case a.Service != "iam" || a.Account == "" || a.Region != "" || a.RoleName() == "" && !strings.HasPrefix(a.Resource, "user/") || strings.ContainsAny(a.Resource, "*?"):
			r.faults.Add(at, "not the ARN of one IAM role or user", "You: write it as arn:aws:iam::111122223333:role/name")
		default:
			r.config.principals = append(r.config.principals, a)
		}
	}
	if f.Bearer == nil {
		return
	}
	secret, err := r.secret(*f.Bearer)
	switch {
	case err != nil:
		r.faults.AddErr("/bearer", err)
	case len(secret) < minBearer || strings.ContainsFunc(secret, func(c rune) bool { return c <= ' ' || c > '~' }):
		r.faults.Add("/bearer", "the bearer secret is short, or has characters that a header does not take",
			"You: give 20 or more letters, digits and signs without spaces, for example of: openssl rand -hex 32")
	default:
		d := digestOf(secret)
		r.config.bearer = &d
	}
}

func (r *reader) secret(b bearer) (string, error) {
	switch {
	case b.File != "" && b.Env != "":
		return "", &rolecall.Error{Code: rolecall.Invalid, Pointer: "/env", Message: "file and env are both given", Hint: "You: keep one"}
	case b.Env != "":
		value := r.config.getenv(b.Env)
		if value == "" {
			return "", &rolecall.Error{Code: rolecall.Invalid, Pointer: "/env", Message: "the environment variable " + b.Env + " is not set"}
		}
		return value, nil
	case b.File != "":
		data, err := readFile(r.resolvePath(b.File), maxSecret)
		if err != nil {
			return "", &rolecall.Error{Code: rolecall.Invalid, Pointer: "/file", Message: "cannot read " + b.File, Hint: "You: see that the file is there and readable", Err: err}
		}
		return strings.TrimRight(string(data), "\r\n"), nil
	default:
		return "", &rolecall.Error{Code: rolecall.Invalid, Message: "the bearer secret needs a place", Hint: "You: give file, or env with the name of an environment variable"}
	}
}

// authenticate returns the caller's name, by the bearer secret or by the proof
// of identity. It ignores AWS's signature in an Authorization header, which
// only AWS could verify.
func (d *Dispenser) authenticate(ctx context.Context, r *http.Request) (string, error) {
	authorization, proofs := r.Header.Values("Authorization"), r.Header.Values(credential.IdentityHeader)
	if len(authorization) > 1 || len(proofs) > 1 {
		return "", refuse(rolecall.Unauthenticated, "a header that proves the caller is given twice", nil)
	}
	token, isBearer := "", false
	if len(authorization) == 1 {
		scheme, rest, _ := strings.Cut(authorization[0], " ")
		token, isBearer = rest, strings.EqualFold(scheme, "Bearer")
	}
	switch {
	case isBearer && len(proofs) > 0:
		return "", refuse(rolecall.Unauthenticated, "bearer secret and proof of identity are both given", nil)
	case isBearer && d.cfg.bearer != nil:
		given := digestOf(token)
		if subtle.ConstantTimeCompare(given[:], d.cfg.bearer[:]) == 1 {
			return "bearer", nil
		}
		return "", refuse(rolecall.Unauthenticated, "the bearer secret is wrong", nil)
	case len(proofs) == 0 || len(d.cfg.principals) == 0:
		return "", refuse(rolecall.Unauthenticated, "nothing that is taken here proves the caller", nil)
	}
	// The digest is of the URL as the vendor calls it, whatever proxies are in
	// between.
	digest := credential.RequestDigest(d.cfg.url + "?" + r.URL.RawQuery)
	who, err := d.identify(ctx, proofs[0], digest)
	if err != nil {
		return "", err
	}
	return d.Principal(who.String())
}

// Principal returns the name of a caller whose signature a trusted party, such
// as API Gateway, has verified. The name is its ARN. The error says that it is
// not one of the listed principals.
func (d *Dispenser) Principal(arn string) (string, error) {
	caller, err := rolecall.ParseARN(arn)
	if err != nil {
		return "", refuse(rolecall.Unauthenticated, "the caller has no ARN", nil)
	}
	for _, p := range d.cfg.principals {
		if p.Names(caller) {
			return arn, nil
		}
	}
	// AWS knows the caller, but the config does not list it.
	return "", refuse(rolecall.Forbidden, "the caller "+arn+" is not listed", nil)
}
