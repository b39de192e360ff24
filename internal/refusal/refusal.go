// Package refusal says what it means when a place does not do what it was asked
// for: what is at fault, or may be, the likeliest first; who must act; and all
// that in words for users. Tasks and checks both use it, so that a job fails
// with the sentence that the check of its connection says.
//
// Each sentence has one source. What a refusal by a policy means, of S3, KMS or
// STS, is worded by policy/explain, which needs no place. What goes wrong when a
// role is assumed otherwise, or a dispenser asked, is worded by credential, in
// the error that it returns. Everything else that a server of a bucket answers
// is worded here. What tasks and checks find out by themselves, such as a file
// that is not one or a bucket of another region, they word where they find it.
//
// What an error code means is in internal/awscode.
package refusal

import (
	"cmp"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"time"
	"unicode"

	"github.com/rolecall/rolecall"
	"github.com/rolecall/rolecall/internal/awscode"
	"github.com/rolecall/rolecall/internal/guard"
	"github.com/rolecall/rolecall/internal/transfer"
	"github.com/rolecall/rolecall/policy"
)

// Refusal is what an answer means.
type Refusal struct {
	Code     rolecall.Code
	Suspects []Suspect // what is at fault; of several one is, the likeliest first
	Message  string
	Hint     string
	Denial   policy.Denial // of a refusal by policy
	ByPolicy bool          // a policy refused, so that trying again may help: changes at IAM take time to spread
	closed   bool          // the endpoint is a tenant's, and leads where it may not
}

// Suspect is what may be at fault.
type Suspect struct {
	Layer rolecall.CheckLayer
	Kind  policy.Kind // the document that may be; empty: no policy
}

// Err returns the refusal as an error of what the pointer leads to. Where an
// endpoint leads is undisclosed.
func (r Refusal) Err(pointer string, cause error) *rolecall.Error {
	if r.closed && cause != nil {
		cause = &rolecall.Undisclosed{
			Message: guard.Why(cause), Hint: "You: correct s3_endpoint_url. Operator: list the address in network.allow, if jobs may reach it", Err: cause,
		}
	}
	return &rolecall.Error{Code: r.Code, Pointer: pointer, Message: r.Message, Hint: r.Hint, Err: cause}
}

// Request is what was asked of a place.
type Request struct {
	Place    rolecall.Place
	Endpoint string // where S3 is, if not at AWS: the place's own, or the operator's
	Key      string // of the object that was asked for
	Verb     string // after "S3 refuses to", with the object: read "s3://b/k"; empty: to use the KMS key
	Action   string // that S3 wants a policy to allow
	Opened   bool   // another request on the same bucket passed
	// What may be at fault other than policies, unless it is known not to be.
	KMS     bool // the KMS key that the object is under
	Owner   bool // the bucket is another account's than the place says
	Missing bool // the object does not exist
	Unpaid  bool // it is a Requester Pays bucket
}

// of makes a refusal with what is at fault.
func of(code rolecall.Code, message, hint string, layers ...rolecall.CheckLayer) Refusal {
	r := Refusal{Code: code, Message: message, Hint: hint}
	for _, layer := range layers {
		r.Suspects = append(r.Suspects, Suspect{Layer: layer})
	}
	return r
}

// causes are the meanings that awscode has the words for, with what is at
// fault.
var causes = map[awscode.Meaning]struct {
	code   rolecall.Code
	layers []rolecall.CheckLayer
}{
	awscode.Closed:         {rolecall.Forbidden, []rolecall.CheckLayer{rolecall.LayerBucket}},
	awscode.Archived:       {rolecall.Conflict, []rolecall.CheckLayer{rolecall.LayerBucket, rolecall.LayerName}},
	awscode.NoACLs:         {rolecall.Invalid, []rolecall.CheckLayer{rolecall.LayerName, rolecall.LayerBucket}},
	awscode.NoStorageClass: {rolecall.Invalid, []rolecall.CheckLayer{rolecall.LayerName}},
	awscode.CustomerKey:    {rolecall.Invalid, []rolecall.CheckLayer{rolecall.LayerName}},
	awscode.KeyDisabled:    {rolecall.Invalid, []rolecall.CheckLayer{rolecall.LayerKey}},
	awscode.KeyUnusable:    {rolecall.Invalid, []rolecall.CheckLayer{rolecall.LayerKey}},
	awscode.KeyMissing:     {rolecall.Invalid, []rolecall.CheckLayer{rolecall.LayerName, rolecall.LayerKey}},
	awscode.InvalidKey:     {rolecall.Invalid, []rolecall.CheckLayer{rolecall.LayerName, rolecall.LayerKey}},
}

// To says what the answer to a request means; it is false where the fault is
// none of the server's, so that whoever asked knows better.
func (a Answer) To(q Request) (Refusal, bool) {
	if a.Kind == transfer.NoCredentials { // what STS answered is in the error's own words
		return Refusal{}, false
	}
	means := a.Meaning
	if a.Kind == transfer.Archived {
		means = awscode.Archived
	}
	if c, ok := causes[means]; ok {
		message, hint, _ := awscode.Cause(means)
		if means == awscode.InvalidKey || means == awscode.KeyMissing {
			message, hint = q.noSuchKey(message)
		}
		if q.Verb != "" {
			message = q.refused() + ": " + message
		}
		return of(c.code, message, hint, c.layers...), true
	}
	switch means {
	case awscode.Clock:
		return a.wrongTime(q), true
	case awscode.NoUpload:
		return of(rolecall.Unavailable, "the upload was ended by others while it was under way", "You: run it again; something that tidies up may have ended the upload",
			rolecall.LayerNetwork), true
	}
	switch a.Kind {
	case transfer.Denied:
		return a.denied(q), true
	case transfer.BadCredentials, transfer.Expired:
		return a.unaccepted(q), true
	case transfer.NotFound:
		return of(rolecall.NotFound, NoObject(q.Place.Bucket, q.Key), MissingHint(q.Key), rolecall.LayerName), true
	case transfer.NoBucket:
		return q.noBucket(), true
	case transfer.WrongRegion:
		if q.Place.EndpointURL != "" || q.Place.Region == "" {
			return of(rolecall.Invalid, fmt.Sprintf("the server of the bucket %q redirects elsewhere, which is not followed", q.Place.Bucket),
				"You: give the URL and the region at which the bucket is", rolecall.LayerName), true
		}
		return of(rolecall.Invalid, fmt.Sprintf("the bucket %q is not in the region %q", q.Place.Bucket, q.Place.Region), regionHint, rolecall.LayerName), true
	case transfer.Unavailable:
		return of(rolecall.Unavailable, "S3 is overloaded or failing, asked to "+q.Verb+a.tried(), "You: try again later; retries on the task do so by themselves",
			rolecall.LayerNetwork), true
	case transfer.NoTLS:
		return a.noTLS(q), true
	case transfer.Unreachable, transfer.Stalled, transfer.Malformed, transfer.Canceled: // by a timeout of the connection
		return a.unreachable(q), true
	case transfer.Refused:
		return a.refusedOtherwise(q), true
	default:
		return Refusal{}, false
	}
}

// noSuchKey says why KMS does not find the key that an object is under, or that
// the place names, which is an ARN. A bucket takes keys of its own region only.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/UsingKMSEncryption.html
func (q Request) noSuchKey(otherwise string) (message, hint string) {
	if q.reads() { // what is under a deleted key is lost, whatever key bucket and place name now
		// https://docs.aws.amazon.com/kms/latest/developerguide/deleting-keys.html
		return "the KMS key that it is encrypted under does not exist any more", "Customer: upload the object again; no change of keys makes it readable. You: or leave it out by files or exclude"
	}
	if q.Place.Encryption == nil || q.Place.Encryption.Key == "" {
		return otherwise, "Customer: set a key that exists, of the bucket's region, as the bucket's default encryption. You: or name one in encryption"
	}
	hint = "You: name a key of the bucket's region in encryption, or leave it out for the bucket's own"
	key, err := rolecall.ParseARN(q.Place.Encryption.Key)
	if err != nil || q.Place.Region == "" || key.Region == q.Place.Region {
		return otherwise, hint
	}
	return fmt.Sprintf("the KMS key %s is in the region %s, and the bucket in %s", key, key.Region, q.Place.Region), hint
}

func (q Request) refused() string {
	if q.Verb == "" {
		return "the KMS key cannot be used"
	}
	return "S3 refuses to " + q.Verb
}

// tried says how often and how long was tried in vain.
func (a Answer) tried() string {
	if a.Attempts == 0 {
		return ""
	}
	return fmt.Sprintf(", after %d attempts in %v", a.Attempts, a.Took.Round(time.Second))
}

// Object names an object, or for an empty key the bucket, as people write it.
func Object(bucket, key string) string {
	if key != "" {
		key = "/" + key
	}
	return fmt.Sprintf("%q", "s3://"+bucket+key)
}

// NoObject says that there is no such object.
func NoObject(bucket, key string) string { return "there is no object " + Object(bucket, key) }

var encodedForm = regexp.MustCompile(`%[0-9A-Fa-f]{2}`)

// MissingHint is the hint for an object that is missing.
func MissingHint(key string) string {
	return cmp.Or(OddKeyHint(key), "You: compare the key letter by letter; upper and lower case differ")
}

// OddKeyHint is the hint for a key, or the beginning of some, that does not look
// as if it was meant so; empty if it does.
func OddKeyHint(key string) string {
	bare := strings.TrimRight(key, "/")
	switch {
	case strings.Contains(key, "?versionId="):
		return "You: leave out ?versionId= and what follows; current versions are read"
	case strings.ContainsFunc(key, unicode.IsControl), strings.TrimSpace(bare) != bare:
		return "You: look for white space at the key's ends and for control characters; a key is taken literally"
	case strings.ContainsAny(key, "*?"):
		return "You: write patterns into files and what is before them into location, as in s3://bucket/in/ and *.mov; a key is taken literally"
	case strings.ContainsAny(key, "[{"):
		return "You: write patterns into files; they know *, ** and ? only, and a key is taken literally"
	case encodedForm.MatchString(key):
		return "You: write the key as it is; an s3:// location is not percent-decoded"
	default:
		return ""
	}
}

// OtherRegion is found where a bucket is not in the region that is declared.
func OtherRegion(p rolecall.Place, actual string) Refusal {
	return of(rolecall.Invalid, fmt.Sprintf("the bucket %q is in the region %s, not %s", p.Bucket, actual, p.Region), regionHint, rolecall.LayerName)
}

const regionHint = "You: correct the region of the connection or location, or leave it out"

// unaccepted is found where S3 does not take the credentials.
func (a Answer) unaccepted(q Request) Refusal {
	who, code := Identity(q.Place), rolecall.Unauthenticated
	message := "S3 does not accept the credentials of " + who
	if a.Kind == transfer.Expired {
		message = "the credentials of " + who + " have expired, and no newer ones came"
	}
	switch p := q.Place; {
	case p.Secret.Name != "":
		return of(code, fmt.Sprintf("S3 does not accept the keys of the secret %q", p.Secret.Name),
			"Operator: give the secret keys of a user that exists and is enabled, or name another secret", rolecall.LayerRole, rolecall.LayerName)
	case p.Dispenser != nil:
		return of(code, message, "You: try again. Customer: if it stays so, look at what the dispenser answers", rolecall.LayerRole)
	case p.EndpointURL != "":
		return of(code, message, "You: name a secret with keys of the service at s3_endpoint_url; AWS's sessions are for AWS", rolecall.LayerName, rolecall.LayerRole)
	default:
		return of(code, message, "You: try again. Customer: if it stays so, look for a policy that revokes the role's sessions", rolecall.LayerRole)
	}
}

// refusedOtherwise is found where a request is refused for what it asks.
func (a Answer) refusedOtherwise(q Request) Refusal {
	r := of(rolecall.Invalid, q.refused(), "You: compare encryption, storage class and acl with what the bucket's owner requires", rolecall.LayerName)
	if code := awscode.Shown(a.Code); code != "" {
		r.Message += ", with " + code
	}
	if q.reads() {
		r.Hint = "You: run it again later. Customer: if it stays so, look for what is special about the bucket or object; no policy is at fault"
		if q.Place.EndpointURL != "" {
			r.Hint = "Customer: see why the service at s3_endpoint_url does not do it. You: for a bucket at AWS, leave s3_endpoint_url out"
		}
	}
	return r
}

// reads reports whether the request writes nothing, so that how an object is
// written cannot be at fault.
func (q Request) reads() bool {
	return strings.HasPrefix(q.Action, "s3:Get") || strings.HasPrefix(q.Action, "s3:List")
}

// noBucket is found where there is no bucket of the place's name.
func (q Request) noBucket() Refusal {
	r := of(rolecall.NotFound, fmt.Sprintf("there is no bucket %q", q.Place.Bucket),
		"You: correct the name. Customer: if it is right, make the bucket in your account; anyone may take a free name", rolecall.LayerName)
	switch {
	case IsAlias(q.Place.Bucket):
		r.Hint = "You: name the bucket behind the access point that this is the alias of; access points are not taken"
	case q.Place.EndpointURL != "":
		r.Hint = "You: correct the name or s3_endpoint_url; for a bucket at AWS, leave s3_endpoint_url out"
	}
	return r
}

// IsAlias reports whether the name is one that S3 keeps for access points.
func IsAlias(bucket string) bool {
	return strings.HasSuffix(bucket, "-s3alias") || strings.HasSuffix(bucket, "--ol-s3")
}

// tooSlow says what was too little.
const tooSlow = ": for a minute nothing came, or fewer than 4 KiB a second"

// unreachable is found where S3 does not answer, or something that is not S3.
func (a Answer) unreachable(q Request) Refusal {
	r := of(rolecall.Unavailable, "S3 does not answer"+a.tried(), "Operator: look at the worker's network, and at the proxy if there is one", rolecall.LayerNetwork)
	switch a.Kind {
	case transfer.Stalled:
		r.Message = "S3 answers too slowly" + tooSlow + a.tried()
	case transfer.Malformed:
		r.Code, r.Message = rolecall.Invalid, fmt.Sprintf("the server of the bucket %q does not answer as S3 does", q.Place.Bucket)
	}
	if errors.Is(a.Err, transfer.ErrUnordered) {
		return of(rolecall.Invalid, fmt.Sprintf("the server of the bucket %q lists keys out of byte order or more than once; S3 lists each once, in that order", q.Place.Bucket),
			"You: name files without wildcards, which needs no listing, or use a service that lists as S3 does", rolecall.LayerName)
	}
	if q.Place.EndpointURL == "" {
		return r
	}
	r.Suspects = append(r.Suspects, Suspect{Layer: rolecall.LayerName})
	switch {
	case guard.Closed(a.Err):
		// Both alike, lest a tenant finds out what there is in the operator's network.
		r.Code, r.Message, r.closed = rolecall.Forbidden, "the endpoint may not be reached", true
		r.Hint = "You: give https and a public address. Operator: the cause is in the log; network.allow lists other addresses"
	case a.Kind == transfer.Malformed:
		r.Hint = "You: give as s3_endpoint_url a service that speaks S3's protocol"
	case a.Kind == transfer.Stalled:
		r.Message, r.Hint = "the endpoint answers too slowly"+tooSlow+a.tried(), "Customer: see that the service at s3_endpoint_url is up and not overloaded"
	default:
		r.Message, r.Hint = "the endpoint does not answer"+a.tried(), "You: correct s3_endpoint_url, or see that its service is up"
	}
	return r
}
