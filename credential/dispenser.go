package credential

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"

	"github.com/rolecall/rolecall"
)

// The contract with a dispenser, whoever wrote it.
//
// It is asked by GET at its URL with these query parameters, each once, in any
// order, and nothing else:
//
//	organization  the vendor's api_name for the customer
//	external_id   the external id that the customer was given; left out by one probe
//	job_id        of the job, [\w.-]
//	task_id       of the task within it
//	tool          namespace:name, or ProbeTool
//	bucket        the only one that the credentials need to reach
//	prefix        of the keys that they need to reach: empty, ending in a slash, or the one key
//	access        AccessRead or AccessWrite; write comes with read
//
// and with Accept: application/json. With a bearer secret the caller is proved
// by Authorization: Bearer SECRET. Else the request is signed with SigV4 for
// the service execute-api by the vendor's principal named dispenser, which
// API Gateway verifies, and carries in the header IdentityHeader what any other
// host can verify: the unpadded base64url of a presigned URL of
// GetCallerIdentity, at the regional endpoint of STS, method GET, valid for
// IdentityExpires, in which besides host the header DigestHeader is signed. The
// dispenser sends that GET with DigestHeader set to the value that it computed
// itself, RequestDigest of the URL it was asked at, and STS answers with the
// ARN of the caller. So a proof is worth nothing for another URL,
// organization, external id or host. Before it sends anything the dispenser
// checks that the presigned URL leads to STS.
//
// It answers 200 with JSON in one of three spellings: AccessKeyId,
// SecretAccessKey, SessionToken, Expiration; the same with Token for
// SessionToken; access_key_id, secret_access_key, session_token, expiration.
// Expiration is a time of RFC 3339. Other members are left aside. To a caller,
// organization, external id, bucket or prefix that it does not know it answers
// 401 or 403: that is what the probes look for.
const (
	// IdentityHeader carries the proof of who calls.
	IdentityHeader = "X-Rolecall-Identity"
	// DigestHeader is signed within the proof; it is not in the request to the
	// dispenser.
	DigestHeader = "X-Rolecall-Request"
	// IdentityExpires is for how long a proof is valid, in seconds.
	IdentityExpires = 60
	// ProbeTool is the tool of requests whose credentials are thrown away.
	ProbeTool = "rolecall:probe"
	// AccessRead and AccessWrite are what credentials may be for.
	AccessRead  = "read"
	AccessWrite = "write"
)

// RequestDigest is the value of DigestHeader: what binds a proof of identity
// to one request. The URL is the dispenser's as declared, with scheme and host
// in lower case and no port, and the query as it is sent.
func RequestDigest(url string) string {
	sum := sha256.Sum256([]byte("GET\n" + url))
	return hex.EncodeToString(sum[:])
}

// DispenserRequest asks a customer's dispenser for credentials for one step of
// a job. They are what the dispenser makes them: nothing here narrows them.
type DispenserRequest struct {
	Organization string // api_name
	// Principal is the name of the identity that the job runs as, in whose
	// partition STS is asked whose the credentials are.
	Principal  string
	Source     rolecall.HTTPCredentialSource
	Secret     rolecall.Secret // that Source names, if any
	ExternalID string
	JobID      string
	TaskID     string // within the job
	TaskLabel  string // goes into the User-Agent only
	Tool       string
	Bucket     string
	Prefix     string // a prefix or one key; see the contract
	Access     string // AccessRead or AccessWrite
	Region     string // whose STS is asked; empty: the principal's
	Revision   string // of the connection
}

// dispenserKey is what shapes a dispenser's credentials beside the other
// members of a key: they are for one task only.
type dispenserKey struct{ JobID, TaskID, Tool, Prefix, Access string }

// Dispenser gives the provider of a dispenser's credentials. Nothing is called
// until they are taken; then the dispenser is proved first, unless a verdict is
// at hand. Credentials are kept for one task, and renewed ahead of their end.
// Their account is the one that the verdict pins.
func (v *Vault) Dispenser(r DispenserRequest) *Provider {
	r.Source = r.Source.Normal()
	k := key{
		Subject: v.dispenserSubject(r), PrincipalName: r.Principal, Region: r.Region, Bucket: r.Bucket, Revision: r.Revision,
		Secret: r.Source.Secret, SecretVersion: r.Secret.Version,
		Dispenser: dispenserKey{r.JobID, r.TaskID, r.Tool, r.Prefix, r.Access},
	}
	return &Provider{vault: v, key: k, fetch: func(ctx context.Context) (fetched, error) {
		return v.dispenseProved(ctx, r, k)
	}}
}

// dispenserSubject is what a verdict on a dispenser is about. Who asks is the
// principal that signs, or the name of the bearer secret.
func (v *Vault) dispenserSubject(r DispenserRequest) Subject {
	asks := "bearer:" + r.Source.Secret
	if r.Source.Secret == "" {
		asks = v.options.Principals[rolecall.DispenserPrincipal].ARN.String()
	}
	return Subject{Organization: r.Organization, Principal: asks, RoleARN: r.Source.Normal().URL, ExternalID: r.ExternalID}
}

// dispenseProved proves the dispenser if need be and asks it.
func (v *Vault) dispenseProved(ctx context.Context, r DispenserRequest, k key) (fetched, error) {
	if err := v.admitDispenser(r); err != nil {
		return fetched{}, err
	}
	if err := v.standing(ctx, k); err != nil {
		return fetched{}, err
	}
	epoch := v.cache.epoch(k)
	verdict, err := v.verdict(ctx, k.Subject, func(ctx context.Context) (Verdict, error) { return v.proveDispenser(ctx, r) })
	if err != nil {
		return fetched{}, err
	}
	got, err := v.dispense(ctx, r, &r.ExternalID)
	if err != nil {
		return fetched{}, err
	}
	if got.AccountID, err = v.accountOfDispensed(ctx, r, got); err != nil {
		return fetched{}, err
	}
	if got.AccountID != verdict.RoleID {
		defer v.tellDrift(ctx, dispenser{r, v}, anotherAccount)
		return fetched{}, v.repinned(k.Subject, verdict.RoleID, got.AccountID)
	}
	v.options.OnEvent(dispenser{r, v}.event(EventDispense, func(e *Event) {
		e.AccessKeyID, e.Expires = got.AccessKeyID, got.Expires
	}))
	return fetched{credentials: got, review: verdict.due(v.options.ProveEvery), tenure: tenureOf(verdict), epoch: epoch}, nil
}

// admitDispenser refuses, before any call, what must not be asked for.
func (v *Vault) admitDispenser(r DispenserRequest) error {
	if _, err := v.principal(r.Principal); err != nil {
		return err
	}
	if err := r.Source.Validate(); err != nil {
		return err
	}
	if err := checkExternalID(r.ExternalID); err != nil {
		return err
	}
	switch secret := r.Secret; {
	case r.Access != AccessRead && r.Access != AccessWrite || r.Organization == "" || r.Bucket == "":
		return &rolecall.Error{Code: rolecall.Internal, Message: "a dispenser is asked for an access to a bucket", Hint: "a fault of rolecall's"}
	case r.Source.Secret == "":
		_, err := v.principal(rolecall.DispenserPrincipal)
		return err
	case secret.Name != r.Source.Secret || secret.Type != rolecall.SecretText:
		return &rolecall.Error{Code: rolecall.Invalid, Message: fmt.Sprintf("the secret %q holds no text", r.Source.Secret)}
	case secret.Host == "" || !strings.EqualFold(secret.Host, r.Source.Host()):
		return &rolecall.Error{
			Code: rolecall.Forbidden, Message: fmt.Sprintf("the secret %q is not for the host %q", secret.Name, r.Source.Host()),
			Hint: "a secret is sent to the host that it is bound to",
		}
	}
	return nil
}
