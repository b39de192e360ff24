package correct

import (
	"fmt"
	"slices"
	"strings"

	"github.com/rolecall/rolecall"
	"github.com/rolecall/rolecall/policy"
	"github.com/rolecall/rolecall/policy/internal/tree"
)

// Concerns reports whether the document can be the connection's: a bucket's is
// about the bucket, and a bucket's, key's or role's own policy is of what these
// decide. Another one would be put in the place of what the account has.
func (g Given) Concerns(c rolecall.Connection) error {
	if g.Kind.Layer() != policy.ResourcePolicy {
		return nil
	}
	own := func(s *tree.Node) bool {
		resources := append(s.Get("Resource").Strings(), s.Get("NotResource").Strings()...)
		switch {
		case !speaksOfKind(s, g.Kind):
			return false
		case g.Kind == policy.TrustDocument:
			return len(resources) == 0
		case g.Kind == policy.BucketDocument:
			return slices.ContainsFunc(resources, func(r string) bool { return isOfBucket(r, c.Bucket) })
		}
		return true
	}
	if all := statements(readDocument(g.Document)); len(all) == 0 || slices.ContainsFunc(all, own) {
		return nil
	}
	of, hint := "of the role", "You: give the role's trust policy, as aws iam get-role shows it"
	switch g.Kind {
	case policy.BucketDocument:
		of, hint = "of the bucket "+c.Bucket, "You: give what aws s3api get-bucket-policy prints for the connection's bucket"
	case policy.KeyDocument:
		of, hint = "of a key", "You: give what aws kms get-key-policy prints for the connection's key"
	default:
	}
	return &rolecall.Error{Code: rolecall.Invalid, Message: fmt.Sprintf("this is no %s %s: none of its statements is about it", g.Kind.Title(), of), Hint: hint}
}

// speaksOfKind reports whether a statement is about actions that documents of
// the kind decide.
func speaksOfKind(s *tree.Node, kind policy.Kind) bool {
	return s.Get("NotAction") != nil || slices.ContainsFunc(s.Get("Action").Strings(), func(a string) bool {
		service, _, _ := strings.Cut(strings.ToLower(a), ":")
		return strings.ContainsAny(service, "*?") || kind.Decides(service)
	})
}

// isOfBucket reports whether a resource may be a bucket or what is in it.
func isOfBucket(resource, bucket string) bool {
	if resource == "*" {
		return true
	}
	parts := strings.SplitN(resource, ":", 6)
	if len(parts) < 6 {
		return false
	}
	name, _, _ := strings.Cut(parts[5], "/")
	return strings.Contains(name, "${") || matches(name, bucket)
}
