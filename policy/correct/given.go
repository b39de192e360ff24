package correct

import (
	"fmt"
	"slices"
	"strings"

	"github.com/rolecall/rolecall"
	"github.com/rolecall/rolecall/policy"
)

// Given is a document as the account has it.
type Given struct {
	Kind     policy.Kind // one of Kinds
	File     string      // where it comes from
	Document *policy.Document
}

// Kinds are the documents that can be given.
func Kinds() []policy.Kind {
	return []policy.Kind{
		policy.TrustDocument, policy.PermissionsDocument, policy.BoundaryDocument, policy.BucketDocument, policy.KeyDocument,
		policy.WorkerDocument, policy.SCPDocument, policy.RCPDocument,
	}
}

// Names are the kinds' names, for a message: trust, permissions, …
func Names() string {
	var out []string
	for _, k := range Kinds() {
		out = append(out, string(k))
	}
	return strings.Join(out, ", ")
}

// Fits reports whether the document can be given beside the others: it must be
// what its kind says, and the only one where there can be only one.
func (g Given) Fits(beside []Given) error {
	switch {
	case !slices.Contains(Kinds(), g.Kind):
		return &rolecall.Error{Code: rolecall.Invalid, Message: fmt.Sprintf("there is no policy %q of a connection", g.Kind), Hint: "You: name one of " + Names()}
	case g.Kind.Single() && slices.ContainsFunc(beside, func(o Given) bool { return o.Kind == g.Kind }):
		return &rolecall.Error{Code: rolecall.Invalid, Message: "the policy " + string(g.Kind) + " is given twice", Hint: "You: give one of this kind"}
	}
	return g.Document.FitKind(g.Kind)
}
