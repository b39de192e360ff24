package sandbox

import (
	"bytes"
	"cmp"
	"compress/flate"
	"encoding/xml"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"time"

	"github.com/rolecall/rolecall"
	"github.com/rolecall/rolecall/policy"
)

// Limits of AssumeRole.
// https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html
const (
	defaultDuration    = 3600
	minDuration        = 900
	maxRoleDuration    = 43200
	maxChainedDuration = 3600
	maxTokenDuration   = 129600
	maxSessionPolicy   = 2048
	// maxPackedPolicy is the largest size of a packed session policy. AWS does
	// not say how it packs; deflate to this size refuses about what AWS
	// refuses: policies near the length limit with little repetition.
	maxPackedPolicy = 1200
)

type callerIdentity struct {
	XMLName xml.Name `xml:"GetCallerIdentityResult"`
	Arn     string
	UserID  string `xml:"UserId"`
	Account string
}

func (c *call) callerIdentity() callerIdentity {
	return callerIdentity{Arn: c.caller.arn, UserID: c.caller.id, Account: c.caller.account.id}
}

type credentialsXML struct {
	AccessKeyID     string `xml:"AccessKeyId"`
	SecretAccessKey string
	SessionToken    string
	Expiration      string
}

func (c issuedKey) xml() credentialsXML {
	return credentialsXML{c.accessKeyID, c.secret, c.token, c.expires.UTC().Format(time.RFC3339)}
}

type assumeRoleResult struct {
	XMLName          xml.Name       `xml:"AssumeRoleResult"`
	AssumedRoleID    string         `xml:"AssumedRoleUser>AssumedRoleId"`
	Arn              string         `xml:"AssumedRoleUser>Arn"`
	Credentials      credentialsXML `xml:"Credentials"`
	PackedPolicySize int            `xml:"PackedPolicySize,omitempty"`
}

// assumeRoleInput holds AssumeRole's parameters, well formed.
type assumeRoleInput struct {
	arn                 rolecall.ARN
	session, externalID string
	hasExternalID       bool
	duration            int
	policy              *policy.Document
	packed              int // percent
}

func (s *Server) assumeRole(c *call, form url.Values) (any, *serviceError) {
	c.event.Resource = form.Get("RoleArn")
	c.event.AssumeRole = &AssumeRoleEvent{SessionName: cut(form.Get("RoleSessionName")), HasExternalID: form.Has("ExternalId")}
	in, fail := readAssumeRole(form)
	if fail != nil {
		return nil, fail
	}
	c.event.AssumeRole.Duration = in.duration
	if in.policy != nil {
		c.event.AssumeRole.SessionPolicy = form.Get("Policy")
	}
	if c.caller.chained && in.duration > maxChainedDuration {
		return nil, invalidInput("The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining.")
	}
	owner, r := s.directory.roleByARN(in.arn)
	if fail := c.mayAssume(in, owner, r); fail != nil {
		return nil, fail
	}
	if in.duration > cmp.Or(r.MaxSessionDuration, defaultDuration) {
		return nil, invalidInput("The requested DurationSeconds exceeds the MaxSessionDuration set for this role.")
	}
	expires := c.expiration(in.duration)
	issued := s.directory.issue(accessKey{
		account: owner, role: r, session: in.session, policy: in.policy,
		issued: c.at, expires: c.realEnd(expires), chained: true,
	}, expires, c.at)
	c.event.AssumeRole.AccessKeyID = issued.accessKeyID
	return assumeRoleResult{
		AssumedRoleID:    r.id + ":" + in.session,
		Arn:              "arn:" + owner.partition + ":sts::" + owner.id + ":assumed-role/" + r.name + "/" + in.session,
		Credentials:      issued.xml(),
		PackedPolicySize: in.packed,
	}, nil
}

// expiration returns the Expiration of a session of that many seconds, or
// fewer if a fault says so.
func (c *call) expiration(seconds int) time.Time {
	life := time.Duration(seconds) * time.Second
	if c.fault != nil && c.fault.Lifetime > 0 {
		life = min(life, time.Duration(c.fault.Lifetime))
	}
	return c.at.Add(life).Truncate(time.Second)
}

// realEnd returns when a session really expires: earlier than the client is
// told, if a fault says so.
func (c *call) realEnd(shown time.Time) time.Time {
	if c.fault != nil && c.fault.ExpireAfter > 0 {
		if early := c.at.Add(time.Duration(c.fault.ExpireAfter)); early.Before(shown) {
			return early
		}
	}
	return shown
}

// mayAssume evaluates the role's trust policy and the caller's own policies.
// The error of a missing role is that of one that does not trust.
func (c *call) mayAssume(in assumeRoleInput, owner *account, r *role) *serviceError {
	q := ask{action: "sts:AssumeRole", resource: in.arn.String(), owner: owner}
	if r != nil {
		q.attached = r.Trust
	}
	q.conditions = c.conditions(owner)
	q.conditions["sts:RoleSessionName"] = []string{in.session}
	if in.hasExternalID {
		q.conditions["sts:ExternalId"] = []string{in.externalID}
	}
	result := c.evaluate(q)
	if result.Decision == policy.Allowed && q.attached != nil {
		return nil
	}
	return &serviceError{http.StatusForbidden, "AccessDenied", c.denial(q, result).String()}
}

// unsupported lists parameters that would change the outcome and that the
// sandbox does not model: they are refused, not ignored.
var unsupported = []string{"Tags.", "TransitiveTagKeys.", "PolicyArns.", "SerialNumber", "TokenCode", "SourceIdentity", "ProvidedContexts."}

func readAssumeRole(form url.Values) (assumeRoleInput, *serviceError) {
	in := assumeRoleInput{session: form.Get("RoleSessionName"), externalID: form.Get("ExternalId"), hasExternalID: form.Has("ExternalId")}
	for name := range form {
		for _, u := range unsupported {
			if strings.HasPrefix(name, u) {
				return in, invalidInput("the sandbox does not support the parameter " + strings.TrimSuffix(u, "."))
			}
		}
	}
	var v constraints
	v.text(form, "RoleArn", 20, 2048, nil)
	v.text(form, "RoleSessionName", 2, 64, sessionChars)
	if in.hasExternalID {
		v.text(form, "ExternalId", 2, 1224, externalChars)
	}
	if form.Has("Policy") {
		v.text(form, "Policy", 1, maxSessionPolicy, nil)
	}
	in.duration = v.duration(form, defaultDuration, maxRoleDuration)
	if fail := v.err(); fail != nil {
		return in, fail
	}
	var err error
	if in.arn, err = rolecall.ParseRoleARN(form.Get("RoleArn")); err != nil {
		return in, invalidInput(form.Get("RoleArn") + " is invalid")
	}
	if !form.Has("Policy") {
		return in, nil
	}
	if in.policy, err = policy.Parse([]byte(form.Get("Policy"))); err == nil {
		err = in.policy.Fit(policy.SessionPolicy)
	}
	if err != nil {
		return in, &serviceError{http.StatusBadRequest, "MalformedPolicyDocument", "Syntax errors in policy: " + rolecall.List(err)[0].Error()}
	}
	if in.packed = packedPercent(form.Get("Policy")); in.packed > 100 {
		return in, &serviceError{
			http.StatusBadRequest, "PackedPolicyTooLarge",
			fmt.Sprintf("Packed policy consumes %d%% of allotted space, please use smaller policy.", in.packed),
		}
	}
	return in, nil
}

func packedPercent(text string) int {
	var out bytes.Buffer
	w := packers.Get().(*flate.Writer)
	defer packers.Put(w)
	w.Reset(&out)
	w.Write([]byte(text)) //nolint:errcheck // to memory
	w.Close()
	return max(1, out.Len()*100/maxPackedPolicy)
}

// packers is a pool, since each packer has large tables.
var packers = sync.Pool{New: func() any {
	w, _ := flate.NewWriter(nil, flate.BestCompression) // the level is a known one
	return w
}}

type sessionTokenResult struct {
	XMLName     xml.Name       `xml:"GetSessionTokenResult"`
	Credentials credentialsXML `xml:"Credentials"`
}

func (s *Server) sessionToken(c *call, form url.Values) (any, *serviceError) {
	if !c.caller.issued.IsZero() || c.caller.session != "" {
		return nil, &serviceError{http.StatusForbidden, "AccessDenied", "Cannot call GetSessionToken with session credentials"}
	}
	var v constraints
	seconds := v.duration(form, maxRoleDuration, maxTokenDuration)
	if fail := v.err(); fail != nil {
		return nil, fail
	}
	expires := c.expiration(seconds)
	u := s.directory.user(c.caller.account, c.caller.user)
	issued := s.directory.issue(accessKey{account: c.caller.account, user: u, issued: c.at, expires: c.realEnd(expires)}, expires, c.at)
	return sessionTokenResult{Credentials: issued.xml()}, nil
}

const (
	sessionPattern  = `[\w+=,.@-]*`
	externalPattern = `[\w+=,.@:\/-]*`
)

var (
	sessionChars  = regexp.MustCompile(`^` + sessionPattern + `$`)
	externalChars = regexp.MustCompile(`^` + externalPattern + `$`)
)
