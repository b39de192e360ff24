package correct

import (
	"cmp"

	"github.com/rolecall/rolecall"
	"github.com/rolecall/rolecall/policy"
	"github.com/rolecall/rolecall/policy/internal/tree"
)

// Setup is a connection and what is known of where it leads.
type Setup struct {
	Connection  rolecall.Connection
	Role        rolecall.ARN // the connection's; zero: it has none
	Principal   rolecall.ARN // assumes the role
	ExternalID  string
	Vendor      rolecall.Vendor
	SessionName string // of the role's sessions
	RoleID      string // the role's unique id; empty: not known
	Region      string // of the bucket; empty: not known
	Owner       string // account of the bucket; empty: not known
	Endpoint    string // of S3; empty: AWS's
	KMSKey      string // in use, in the place of the declared one; empty: none is known
	Object      string // key of an object that is read and written
	// SessionActions come along with sts:AssumeRole; see policy.KitRequest.
	SessionActions []string
	Upload         map[string]string // condition keys of a request that writes, empty ones left out
}

// Partition is that of the role, or of the bucket's region.
func (s Setup) Partition() string {
	if s.Role.Partition != "" {
		return s.Role.Partition
	}
	return rolecall.PartitionOf(cmp.Or(s.Region, s.Connection.Region))
}

// BucketARN names the bucket as policies do.
func (s Setup) BucketARN() string {
	return "arn:" + s.Partition() + ":s3:::" + s.Connection.Bucket
}

// KitOf returns the documents for several principals and external ids, those of all
// that share the role. It is false where no documents can be made.
func (s Setup) KitOf(principals, externalIDs []string) (policy.Kit, bool) {
	request := s.kitRequest(s.Connection, s.ExternalID)
	request.Principals, request.ExternalIDs = principals, externalIDs
	kit, err := policy.Generate(request)
	return kit, err == nil
}

// Withdrawn returns the Sids that a document of the kind may still have though a
// connection of its purpose has no use for what they grant.
func (s Setup) Withdrawn(kind policy.Kind) []string {
	request := s.kitRequest(s.Connection, s.ExternalID)
	request.Optional = policy.Grants(s.Connection.Purpose)
	return request.Withdrawn(kind)
}

// DeclaredKit returns the documents that the connection needs by its declaration
// alone. It is false where no documents can be made for it.
func (s Setup) DeclaredKit() (policy.Kit, bool) {
	kit, err := policy.Generate(s.kitRequest(s.Connection, s.ExternalID))
	return kit, err == nil
}

// NeededKit returns the documents that the connection needs by what is known of
// its bucket and key. It is false where no documents can be made.
func (s Setup) NeededKit() (policy.Kit, bool) {
	request := s.request()
	if request.Connection.RoleARN == "" {
		return policy.Kit{}, false // whose key it is, is not known
	}
	kit, err := policy.Generate(request)
	return kit, err == nil
}

// request asks for the statements that the connection needs. Its connection
// has no role where none can be made up.
func (s Setup) request() policy.KitRequest {
	c, externalID := s.Connection, s.ExternalID
	c.Region = cmp.Or(s.Region, c.Region)
	if s.KMSKey != "" {
		c.Encryption = &rolecall.Encryption{Type: "aws:kms", Key: s.KMSKey}
	}
	if c.RoleARN == "" { // the permissions of a user, or of a dispenser's role, are the same
		role := rolecall.ARN{Partition: rolecall.PartitionOf(c.Region), Service: "iam", Account: cmp.Or(s.Owner, "000000000000"), Resource: "role/any"}
		c.RoleARN, c.Secret, c.HTTPCredentialSource, c.ExternalID = role.String(), "", nil, nil
		if s.Owner == "" && c.Encryption != nil && c.Encryption.Type != "AES256" && c.Encryption.Key == "" {
			c.RoleARN = ""
		}
		externalID = cmp.Or(externalID, "any")
	}
	return s.kitRequest(c, externalID)
}

// Request asks for the documents of the connection as it is declared. It is false
// of a connection without a role.
func (s Setup) Request() (policy.KitRequest, bool) {
	return s.kitRequest(s.Connection, s.ExternalID), s.Connection.RoleARN != ""
}

// kitRequest asks for the statements that a connection needs, as policy generate
// does.
func (s Setup) kitRequest(c rolecall.Connection, externalID string) policy.KitRequest {
	return policy.KitRequest{
		Connection: c, Principals: []string{s.Principal.String()}, ExternalIDs: []string{externalID}, VendorAccounts: s.Vendor.Accounts,
		SessionActions: s.SessionActions,
	}
}

// grants returns the statements that documents of the kind need for the
// connection.
func (s Setup) grants(kind policy.Kind) []*tree.Node {
	kit, ok := s.DeclaredKit()
	if !assumes(kind) {
		var err error
		kit, err = policy.Generate(s.request())
		ok = err == nil
	}
	d := kit.Document(kind)
	switch kind {
	case policy.BoundaryDocument, policy.SCPDocument: // which must allow what the permissions do
		d = kit.Permissions
	}
	if !ok || d == nil {
		return nil
	}
	return statements(readDocument(d))
}

// assumes reports whether documents of the kind are only about assuming roles.
// These do not depend on what is found out about the bucket.
func assumes(kind policy.Kind) bool {
	return kind == policy.TrustDocument || kind == policy.WorkerDocument
}
