package dispenser

import (
	"context"
	"encoding/base64"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/rolecall/rolecall"
	"github.com/rolecall/rolecall/credential"
	"github.com/rolecall/rolecall/policy"
)

// The bounds of a proof of identity.
const (
	maxProof      = 8 << 10 // session tokens have grown before
	maxProofLife  = credential.IdentityExpires
	maxClockSkew  = time.Minute
	maxSTSAnswer  = 64 << 10
	signingTime   = "20060102T150405Z"
	stsAPIVersion = "2011-06-15"
)

// forms says what each parameter of a presigned GetCallerIdentity looks like.
// All must be there, but for the last; nothing else may.
var forms = map[string]*regexp.Regexp{
	"Action":               regexp.MustCompile(`^GetCallerIdentity$`),
	"Version":              regexp.MustCompile(`^` + stsAPIVersion + `$`),
	"X-Amz-Algorithm":      regexp.MustCompile(`^AWS4-HMAC-SHA256$`),
	"X-Amz-Credential":     regexp.MustCompile(`^[A-Z0-9]{16,128}/[0-9]{8}/[a-z0-9-]{1,32}/sts/aws4_request$`),
	"X-Amz-Date":           regexp.MustCompile(`^[0-9]{8}T[0-9]{6}Z$`),
	"X-Amz-Expires":        regexp.MustCompile(`^[0-9]{1,3}$`),
	"X-Amz-SignedHeaders":  regexp.MustCompile(`^host;` + strings.ToLower(credential.DigestHeader) + `$`),
	"X-Amz-Signature":      regexp.MustCompile(`^[0-9a-f]{64}$`),
	"X-Amz-Security-Token": regexp.MustCompile(`^[A-Za-z0-9+/=_.-]+$`),
}

const tokenParameter = "X-Amz-Security-Token"

// identify finds out who made the proof that a request brings, by sending the
// GetCallerIdentity in it to STS, which verifies the signature. The signed
// header gets the digest of the URL that this request came to, so that a proof
// made for another one does not hold.
//
// The same proof is taken twice while it is valid: it can be had only from
// within TLS, it gives what its first use gave, and two requests alike within
// a second have the same signature.
func (d *Dispenser) identify(ctx context.Context, header string, digest string) (rolecall.ARN, error) {
	target, err := d.cfg.proofURL(header, d.clock())
	if err != nil {
		return rolecall.ARN{}, refuse(rolecall.Unauthenticated, "proof of identity: "+err.Error(), nil)
	}
	release, err := d.proofs.take("proofs of identity")
	if err != nil {
		return rolecall.ARN{}, err
	}
	defer release()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, target.String(), nil)
	if err != nil {
		return rolecall.ARN{}, refuse(rolecall.Unauthenticated, "proof of identity", err)
	}
	req.Header.Set(credential.DigestHeader, digest)
	req.Header.Set("Accept", "text/xml")
	resp, err := d.http.Do(req)
	if err != nil {
		return rolecall.ARN{}, refuse(rolecall.Unavailable, "ask STS who calls", withoutURL(err))
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxSTSAnswer+1))
	if err != nil || len(body) > maxSTSAnswer {
		return rolecall.ARN{}, refuse(rolecall.Unavailable, "read STS's answer", withoutURL(err))
	}
	return callerOf(resp.StatusCode, body)
}

// callerOf reads STS's answer: who calls, or that the proof does not hold.
// https://docs.aws.amazon.com/STS/latest/APIReference/API_GetCallerIdentity.html
func callerOf(status int, body []byte) (rolecall.ARN, error) {
	var answer struct {
		Arn  string `xml:"GetCallerIdentityResult>Arn"`
		Code string `xml:"Error>Code"`
	}
	err := xml.Unmarshal(body, &answer)
	switch {
	case status == http.StatusTooManyRequests || status >= http.StatusInternalServerError || strings.HasPrefix(answer.Code, "Throttl"):
		return rolecall.ARN{}, refuse(rolecall.Unavailable, fmt.Sprintf("STS answers %d", status), nil)
	case status != http.StatusOK:
		return rolecall.ARN{}, refuse(rolecall.Unauthenticated, fmt.Sprintf("STS refuses the proof of identity: %d %.64q", status, answer.Code), nil)
	case err != nil:
		return rolecall.ARN{}, refuse(rolecall.Unavailable, "STS's answer is not XML", nil)
	}
	caller, err := rolecall.ParseARN(answer.Arn)
	if err != nil {
		return rolecall.ARN{}, refuse(rolecall.Unavailable, "STS's answer names no caller", nil)
	}
	return caller, nil
}

// proofURL reads the presigned URL of a proof and builds it anew from what was
// understood of it, so that no other reading of the same text decides what is
// called. It leads to a regional endpoint of STS, or is refused.
func (c *Config) proofURL(header string, now time.Time) (*url.URL, error) {
	if len(header) > maxProof {
		return nil, errors.New("too long")
	}
	text, err := base64.RawURLEncoding.Strict().DecodeString(header)
	if err != nil {
		return nil, errors.New("not base64url without padding")
	}
	u, err := url.Parse(string(text))
	if err != nil {
		return nil, errors.New("not a URL")
	}
	if u.User != nil || u.Fragment != "" || u.Opaque != "" || u.Path != "/" || u.RawPath != "" {
		return nil, errors.New("not a URL of host, path / and query alone")
	}
	query, err := parameters(u.RawQuery)
	if err != nil {
		return nil, err
	}
	if err := inTime(query, now); err != nil {
		return nil, err
	}
	region := strings.Split(query.Get("X-Amz-Credential"), "/")[2]
	if !c.isSTS(u, region) {
		return nil, errors.New("its host is not the STS endpoint of the region that it is signed for")
	}
	return &url.URL{Scheme: u.Scheme, Host: u.Host, Path: "/", RawQuery: query.Encode()}, nil
}

// parameters reads the query of a presigned GetCallerIdentity, strictly.
func parameters(raw string) (url.Values, error) {
	query, err := url.ParseQuery(raw)
	if err != nil {
		return nil, errors.New("its query does not parse")
	}
	for name, values := range query {
		form, known := forms[name]
		switch {
		case !known:
			return nil, errors.New("it has a parameter that GetCallerIdentity does not take")
		case len(values) != 1:
			return nil, errors.New(name + " is given twice")
		case !form.MatchString(values[0]):
			return nil, errors.New(name + " is not of its form")
		}
	}
	for name := range forms {
		if !query.Has(name) && name != tokenParameter {
			return nil, errors.New(name + " is missing")
		}
	}
	return query, nil
}

// inTime holds proofs to their short life. STS does not: it takes a presigned
// request for 15 minutes, whatever X-Amz-Expires says.
// https://github.com/kubernetes-sigs/aws-iam-authenticator#api-authorization-from-outside-a-cluster
func inTime(query url.Values, now time.Time) error {
	signed, err := time.Parse(signingTime, query.Get("X-Amz-Date"))
	if err != nil {
		return errors.New("X-Amz-Date is no time")
	}
	life, err := strconv.Atoi(query.Get("X-Amz-Expires"))
	switch {
	case err != nil || life < 1 || life > maxProofLife:
		return errors.New("it is valid for too long")
	case now.Before(signed.Add(-maxClockSkew)):
		return errors.New("it is signed in the future")
	case now.After(signed.Add(time.Duration(life)*time.Second + maxClockSkew)):
		return errors.New("it has expired")
	}
	return nil
}

// isSTS tells whether the URL's host is STS's in the region, in a partition
// that a listed principal is of, or the configured endpoint. The region's form
// keeps the name within AWS's own domain; the global endpoint is not asked.
// https://docs.aws.amazon.com/general/latest/gr/sts.html
func (c *Config) isSTS(u *url.URL, region string) bool {
	if e := c.stsEndpoint; e != nil {
		return u.Scheme == e.Scheme && u.Host == e.Host
	}
	partition := rolecall.PartitionOf(region)
	ours := false
	for _, p := range c.principals {
		ours = ours || p.Partition == partition
	}
	return ours && u.Scheme == "https" && rolecall.IsRegion(region) && u.Host == "sts."+region+"."+policy.DNSSuffix(partition)
}

// withoutURL takes the URL, and with it the proof's signature and session
// token, out of an error.
func withoutURL(err error) error {
	var e *url.Error
	if errors.As(err, &e) {
		return e.Err
	}
	return err
}
