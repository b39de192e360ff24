package lint

import (
	"strings"

	"github.com/rolecall/rolecall/policy"
	"github.com/rolecall/rolecall/policy/internal/tree"
)

// kindOf finds a document's kind by its content: only policies of resources
// name principals, and the actions show which; a policy that allows nothing but
// to assume roles is the worker's. A statement that assumes a role and names no
// resource is one of a trust policy.
func kindOf(root *tree.Node) policy.Kind {
	services := map[string]int{}
	named, assumes, onResource := false, 0, false
	statements := statementsOf(root)
	for _, s := range statements {
		if s.Get("Principal") != nil || s.Get("NotPrincipal") != nil {
			named = true
		}
		if s.Get("Resource") != nil || s.Get("NotResource") != nil {
			onResource = true
		}
		actions := s.actions()
		if len(actions) == 0 {
			actions = s.Get("NotAction").Each()
		}
		for _, a := range actions {
			service, name, _ := strings.Cut(strings.ToLower(a.Text), ":")
			services[service]++
			if service == "sts" && strings.HasPrefix(name, "assumerole") {
				assumes++
			}
		}
	}
	onlySTS := services["sts"] > 0 && len(services) == 1
	switch {
	case named && (services["sts"] > 0 || !onResource):
		return policy.TrustDocument
	case named && services["kms"] > 0 && services["s3"] == 0:
		return policy.KeyDocument
	case named:
		return policy.BucketDocument
	case onlySTS && assumes > 0 && !onResource:
		return policy.TrustDocument
	case onlySTS && assumes > 0:
		return policy.WorkerDocument
	default:
		return policy.PermissionsDocument
	}
}
