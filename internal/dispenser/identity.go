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

// The limits of a proof of identity.
const (
	maxProof      = 8 << 10 // session tokens may grow
	maxProofLife  = credential.IdentityExpires
	maxClockSkew  = time.Minute
	maxSTSAnswer  = 64 << 10
	signingTime   = "20060102T150405Z"
	stsAPIVersion = "2011-06-15"
)

// parameterForms has the form of each parameter of a presigned
// GetCallerIdentity. All are required except the session token; no others are
// allowed.
var parameterForms = map[string]*regexp.Regexp{
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

// identify returns who made the proof in a request's header. It sends the
// GetCallerIdentity in the proof to STS, which verifies the signature. It sets
// the signed digest header from the URL of this request, so that a proof made
// for another URL is invalid.
//
// A proof may be used twice while it is valid: only someone within the TLS
// connection can have it, a second use returns what the first did, and two
// equal requests within a second have the same signature.
func (d *Dispenser) identify(ctx context.Context, header string, digest string) (rolecall.ARN, error) {
	target, err := d.cfg.proofURL(header, d.clock())
	if err != nil {
		return rolecall.ARN{}, refuse(rolecall.Unauthenticated, "proof of identity: "+err.Error(), nil)
	}
	release, err := d.proofs.acquire("proofs of identity")
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
	return parseCaller(resp.StatusCode, body)
}

// parseCaller returns the caller from STS's answer, or an error if the proof is
// invalid.
// https://docs.aws.amazon.com/STS/latest/APIReference/API_GetCallerIdentity.html
func parseCaller(status int, body []byte) (rolecall.ARN, error) {
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

// proofURL parses the presigned URL of a proof, and builds a new one from what
// it understood, so that no other parser of the same text decides what is
// called. The URL must be that of a regional endpoint of STS.
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
	if err := checkLifetime(query, now); err != nil {
		return nil, err
	}
	region := strings.Split(query.Get("X-Amz-Credential"), "/")[2]
	if !c.isSTS(u, region) {
		return nil, errors.New("its host is not the STS endpoint of the region that it is signed for")
	}
	return &url.URL{Scheme: u.Scheme, Host: u.Host, Path: "/", RawQuery: query.Encode()}, nil
}

// parameters parses the query of a presigned GetCallerIdentity strictly.
func parameters(raw string) (url.Values, error) {
	query, err := url.ParseQuery(raw)
	if err != nil {
		return nil, errors.New("its query does not parse")
	}
	for name, values := range query {
		form, known := parameterForms[name]
		switch {
		case !known:
			return nil, errors.New("it has a parameter that GetCallerIdentity does not take")
		case len(values) != 1:
			return nil, errors.New(name + " is given twice")
		case !form.MatchString(values[0]):
			return nil, errors.New(name + " is not of its form")
		}
	}
	for name := range parameterForms {
		if !query.Has(name) && name != tokenParameter {
			return nil, errors.New(name + " is missing")
		}
	}
	return query, nil
}

// checkLifetime returns an error unless the proof is valid now, for its short
// life and no longer: clocks may differ as much as a proof lives, but that only
// makes its life shorter or puts it off. STS does not check that: it accepts a presigned request for 15 minutes,
// whatever X-Amz-Expires says.
// https://github.com/kubernetes-sigs/aws-iam-authenticator#api-authorization-from-outside-a-cluster
func checkLifetime(query url.Values, now time.Time) error {
	signedAt, err := time.Parse(signingTime, query.Get("X-Amz-Date"))
	if err != nil {
		return errors.New("X-Amz-Date is no time")
	}
	life, err := strconv.Atoi(query.Get("X-Amz-Expires"))
	switch {
	case err != nil || life < 1 || life > maxProofLife:
		return errors.New("it is valid for too long")
	case now.Before(signedAt.Add(-maxClockSkew)):
		return errors.New("it is signed in the future")
	case now.After(signedAt.Add(time.Duration(life) * time.Second)):
		return errors.New("it has expired")
	}
	return nil
}

// isSTS reports whether the URL's host is the configured endpoint, or else STS
// of the region, in the partition of a listed principal. The region's form
// keeps the name within AWS's own domain. The global endpoint is not called.
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

// withoutURL removes the URL, and with it the proof's signature and session
// token, from an error.
func withoutURL(err error) error {
	var e *url.Error
	if errors.As(err, &e) {
		return e.Err
	}
	return err
}
