package policy

import (
	"fmt"
	"time"

	"github.com/rolecall/rolecall"
)

// KitRequest is all that shapes the documents of a connection. What its
// fields are called in faults is their name in snake_case.
type KitRequest struct {
	Connection  rolecall.Connection // authorized by a role
	Principals  []string            // ARNs of the vendor's workers: roles or users
	ExternalIDs []string            // more than one while a new one replaces an old
	Form        TrustForm           // empty: ByPrincipal

	VendorAccounts []string   // in addition to those of the principals
	Worker         WorkerForm // empty: AnyRole
	WorkerRoles    []string   // that workers may assume in addition to the connection's, for ListedRoles

	// SessionActions are allowed beside sts:AssumeRole, to both sides: STS asks for
	// sts:TagSession and sts:SetSourceIdentity where the workers' own sessions hand
	// tags or a source identity on, as those of EKS Pod Identity do.
	// https://docs.aws.amazon.com/IAM/latest/UserGuide/id_session-tags.html
	SessionActions []string

	Versioned         bool // old versions are read too
	RequireTLS        bool // by the bucket, of everyone
	RequireEncryption bool // the connection's, by the bucket, of all who write below the prefix
	Optional          []Grant

	// RevokeBefore is when sessions must have begun to live on; see
	// Kit.Revocation. Zero: no such document.
	RevokeBefore time.Time
}

// WorkerForm is how far the vendor's worker policy reaches.
type WorkerForm string

// The forms.
const (
	AnyRole     WorkerForm = "any"  // any role outside the vendor's accounts
	ListedRoles WorkerForm = "list" // exactly the connection's role and KitRequest.WorkerRoles
)

// Kit is the least that makes a connection work. A document is nil where it
// is not needed.
type Kit struct {
	Trust       *Document `json:"trust,omitempty"`       // of the customer's role
	Permissions *Document `json:"permissions,omitempty"` // of the customer's role, inline
	Bucket      *Document `json:"bucket,omitempty"`      // statements for the bucket's policy
	Key         *Document `json:"key,omitempty"`         // statements for the KMS key's policy
	Worker      *Document `json:"worker,omitempty"`      // of the vendor's workers, inline
	Revocation  *Document `json:"revocation,omitempty"`  // ends living sessions once it is put on the role
	Reasons     []Reason  `json:"reasons"`
}

// Reason says in a line what a statement is for.
type Reason struct {
	Document Kind   `json:"document"`
	Sid      string `json:"sid"`
	Text     string `json:"text"`
}

// Document is the kit's document of a kind, nil where it has none.
func (k Kit) Document(kind Kind) *Document {
	switch kind {
	case TrustDocument:
		return k.Trust
	case PermissionsDocument:
		return k.Permissions
	case BucketDocument:
		return k.Bucket
	case KeyDocument:
		return k.Key
	case WorkerDocument:
		return k.Worker
	case RevocationDocument:
		return k.Revocation
	}
	return nil
}

// Generate returns the documents of a connection, each statement with a Sid and
// a reason. It is an error of code Invalid when the request is malformed, or
// when a document would be larger than AWS takes; Forbidden when the role is
// the vendor's own.
func Generate(r KitRequest) (Kit, error) {
	p, err := planKit(r)
	if err != nil {
		return Kit{}, err
	}
	var kit Kit
	for _, d := range []struct {
		kind       Kind
		document   **Document
		statements []reasoned
	}{
		{TrustDocument, &kit.Trust, p.trust()},
		{PermissionsDocument, &kit.Permissions, p.permissions()},
		{BucketDocument, &kit.Bucket, p.bucketPolicy()},
		{KeyDocument, &kit.Key, p.keyPolicy()},
		{WorkerDocument, &kit.Worker, p.worker()},
		{RevocationDocument, &kit.Revocation, p.revocation()},
	} {
		if len(d.statements) == 0 {
			continue
		}
		var doc draft
		for _, s := range d.statements {
			s.Sid += p.suffix(d.kind)
			doc = append(doc, s.draftStatement)
			kit.Reasons = append(kit.Reasons, Reason{d.kind, s.Sid, s.reason})
		}
		limit := d.kind.Limit()
		if d.kind == WorkerDocument {
			limit = p.workerLimit()
		}
		text := doc.json()
		if len(text) > limit {
			return Kit{}, tooLong(d.kind, len(text), limit)
		}
		if *d.document, err = Parse([]byte(text)); err != nil {
			return Kit{}, fmt.Errorf("generate the %s policy: %w", d.kind, err)
		}
	}
	return kit, nil
}

// reasoned is a statement and what it is for.
type reasoned struct {
	draftStatement
	reason string
}

func tooLong(kind Kind, n, limit int) error {
	hint := "You: shorten the prefix, or ask for less in one connection"
	switch kind {
	case TrustDocument:
		hint = "You: name fewer principals or external ids, or have AWS raise the quota \"Role trust policy length\""
	case WorkerDocument:
		hint = "You: let workers assume any role outside the vendor's accounts, or divide the roles among workers"
	}
	return &rolecall.Error{Code: rolecall.Invalid, Message: fmt.Sprintf("the %s policy has %d characters, AWS takes %d", kind, n, limit), Hint: hint}
}
