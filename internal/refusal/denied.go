package refusal

import (
	"slices"
	"strings"

	"github.com/rolecall/rolecall"
	"github.com/rolecall/rolecall/internal/awscode"
	"github.com/rolecall/rolecall/policy"
	"github.com/rolecall/rolecall/policy/explain"
)

// Assume says what it means that a principal may not assume a role; it is false
// where STS did not refuse by a policy. What else STS says is in the error's own
// words.
func Assume(err error, principal, role string) (Refusal, bool) {
	a, _ := awscode.Read(err)
	if a.Meaning != awscode.Denied {
		return Refusal{}, false
	}
	return byPolicy(explain.Assume(a.Text, principal, role), ""), true
}

// denied is found where a policy refuses, or may.
func (a Answer) denied(q Request) Refusal {
	d := a.Denial
	if d.Action == "" {
		d = policy.Denial{}
	}
	said := policy.Denial{Principal: q.Place.RoleARN, Action: q.Action, Explicit: d.Explicit, Layer: d.Layer, Policy: a.policyARN()}
	if d.NamesAction() {
		said.Action = d.Action
	}
	if !strings.HasPrefix(said.Action, "kms:") {
		said.Resource = resourceOf(said.Action, q)
	} else if said.Resource = a.Key(); d.Resource == "" && !d.Explicit && d.Layer == policy.DeniedByResource {
		said.Layer = "" // to callers of another account KMS says so, whatever refuses
	}
	r := byPolicy(explain.Case{
		Denial: said, Identity: Identity(q.Place), Owner: q.Place.BucketOwner, Ours: true, Opened: q.Opened,
		Key: q.KMS, Disowned: q.Owner && q.Place.BucketOwner != "", Unpaid: q.Unpaid,
	}, q.refused())
	if q.Missing {
		r.Hint = "You: look for a typing mistake in the key first. Else " + r.Hint
		r.Message = "the object " + Object(q.Place.Bucket, q.Key) + " does not exist, or may not be read; without s3:ListBucket S3 answers both alike. Else " + r.Message
	}
	// https://docs.aws.amazon.com/AmazonS3/latest/userguide/RequesterPaysBuckets.html
	if q.Unpaid && a.Bare() {
		r.Hint += ". You: set requester_pays in the " + DeclaredIn(q.Place) + ", if it is a Requester Pays bucket"
	}
	if strings.HasPrefix(q.Endpoint, "http://") && slices.ContainsFunc(r.Suspects, func(s Suspect) bool { return s.Kind == policy.BucketDocument }) {
		tlsHint := TLSHint(q.Place) + ", if the bucket's policy has a Deny by aws:SecureTransport; that can stay"
		if said.Layer == "" {
			r.Hint += ". " + tlsHint
		} else if said.Explicit {
			r.Hint = tlsHint + ". Else " + r.Hint
			r.Suspects = slices.Insert(r.Suspects, 0, Suspect{Layer: rolecall.LayerNetwork})
		}
	}
	return r
}

// DeclaredIn is where a user declares what requests to a place say.
func DeclaredIn(p rolecall.Place) string {
	if p.Connection != "" {
		return "connection"
	}
	return "step"
}

// TLSHint begins the hint on what a bucket denies for coming without TLS.
func TLSHint(p rolecall.Place) string {
	if p.EndpointURL != "" {
		return "Operator: give an s3_endpoint_url with https"
	}
	return "Operator: give an endpoint of S3 with https"
}

func byPolicy(c explain.Case, refused string) Refusal {
	r := Refusal{Code: rolecall.Forbidden, Denial: c.Denial, ByPolicy: true}
	r.Message, r.Hint = c.Words(refused)
	for _, candidate := range c.Explain().Candidates {
		r.Suspects = append(r.Suspects, Suspect{layerOf(candidate, c.Action), candidate.Kind})
	}
	return r
}

// layerOf is the layer of a report that a candidate is a part of.
func layerOf(c explain.Candidate, action string) rolecall.CheckLayer {
	if c.Layer == policy.DeniedByVPCE {
		return rolecall.LayerNetwork
	}
	if strings.HasPrefix(action, "sts:") && (c.Kind == policy.BoundaryDocument || c.Kind == policy.SessionDocument) {
		return rolecall.LayerPrincipal
	}
	return LayerOf(c.Kind)
}

// LayerOf is the layer of a report that documents of a kind are a part of. What
// is no document is a name.
func LayerOf(kind policy.Kind) rolecall.CheckLayer {
	switch kind {
	case "":
		return rolecall.LayerName
	case policy.TrustDocument:
		return rolecall.LayerTrust
	case policy.BucketDocument:
		return rolecall.LayerBucket
	case policy.KeyDocument:
		return rolecall.LayerKey
	case policy.WorkerDocument:
		return rolecall.LayerPrincipal
	case policy.SessionDocument:
		return rolecall.LayerSession
	case policy.SCPDocument, policy.RCPDocument:
		return rolecall.LayerOrganization
	default:
		return rolecall.LayerRole
	}
}

// Identity names who acts on a place.
func Identity(p rolecall.Place) string {
	switch {
	case p.RoleARN != "":
		return p.RoleARN
	case p.Secret.Name != "":
		return "the user of the secret " + p.Secret.Name
	case p.Dispenser != nil:
		return "the role of the dispenser " + p.Dispenser.URL
	default:
		return "the caller"
	}
}

// resourceOf is what a policy has to name for the action, as far as the place
// says.
func resourceOf(action string, q Request) string {
	bucket := "arn:" + partitionOf(q) + ":s3:::" + q.Place.Bucket
	switch key := q.Place.Key; {
	case strings.HasPrefix(action, "s3:ListBucket"):
		return bucket
	case key == "" || strings.HasSuffix(key, "/"):
		return bucket + "/" + key + "*"
	default:
		return bucket + "/" + key
	}
}

func partitionOf(q Request) string {
	if a, err := rolecall.ParseARN(q.Place.RoleARN); err == nil {
		return a.Partition
	}
	return rolecall.PartitionOf(q.Place.Region)
}
