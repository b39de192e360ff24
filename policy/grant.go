package policy

import (
	"fmt"
	"slices"
	"strings"

	"github.com/rolecall/rolecall"
	"github.com/rolecall/rolecall/internal/strict"
)

// Grant is a permission that a connection can do without, by the name of its
// S3 action.
type Grant string

// The grants. Grant.Lost says what is lost without each.
const (
	GetBucketLocation          Grant = "GetBucketLocation"
	GetObjectTagging           Grant = "GetObjectTagging"
	ListBucketMultipartUploads Grant = "ListBucketMultipartUploads"
	PutObjectTagging           Grant = "PutObjectTagging"
	PutObjectACL               Grant = "PutObjectAcl"
	DeleteObject               Grant = "DeleteObject"
)

// Grants returns the grants that a connection of the purpose can have.
func Grants(p rolecall.Purpose) []Grant {
	var out []Grant
	for _, d := range grantDetails {
		if p == rolecall.Delivery || !d.delivers {
			out = append(out, d.grant)
		}
	}
	return out
}

// Lost says in a line what does not work without the grant.
func (g Grant) Lost() string {
	for _, d := range grantDetails {
		if d.grant == g {
			return d.lost
		}
	}
	return ""
}

// grantDetails are in the order in which the statements are written.
var grantDetails = []struct {
	grant    Grant
	delivers bool // has a meaning only for deliveries
	onBucket bool // and not on objects
	lost     string
}{
	{GetBucketLocation, false, true, "tools that ask S3 for the bucket's region are refused; rolecall itself needs no permission to learn it"},
	{GetObjectTagging, false, false, "the tags of objects cannot be read, so that copies lose them"},
	{ListBucketMultipartUploads, true, true, "uploads that a crash left unfinished cannot be found and swept; S3 cannot limit this one to a prefix"},
	{PutObjectTagging, true, false, "storage:tag_s3 is refused, and copies lose their tags"},
	{PutObjectACL, true, false, "deliveries with an acl are refused; a bucket with the setting BucketOwnerEnforced needs none"},
	{DeleteObject, true, false, "nothing delivered can be removed again with this role"},
}

// checkGrants checks that each grant is known and has a meaning here.
func checkGrants(faults *rolecall.Errors, given []Grant, p rolecall.Purpose) {
	for i, g := range given {
		at := strict.Pointer("optional", i)
		switch {
		case g.Lost() == "":
			names := make([]string, len(grantDetails))
			for i, d := range grantDetails {
				names[i] = string(d.grant)
			}
			faults.Add(at, "unknown grant "+quote(string(g)), "You: name one of "+strings.Join(names, ", "))
		case !slices.Contains(Grants(p), g):
			faults.Add(at, fmt.Sprintf("%s has no use for a connection that is a %s", g, p), "You: leave it out")
		}
	}
}
