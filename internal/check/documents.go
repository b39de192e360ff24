package check

import (
	"fmt"
	"slices"
	"strings"

	"github.com/rolecall/rolecall"
	"github.com/rolecall/rolecall/policy"
)

// Given is a document as the account has it.
type Given struct {
	Kind     string // as a rolecall.Patch calls its document; see Kinds
	File     string // whence it comes
	Document *policy.Document
}

// kind is a kind of documents, which is a part of one of a report's layers.
type kind struct {
	name  string
	layer rolecall.CheckLayer
	many  bool // what it is attached to may have several
}

// kinds are those that can be given.
var kinds = []kind{
	{documentTrust, rolecall.LayerTrust, false},
	{documentPermissions, rolecall.LayerRole, true},
	{documentBoundary, rolecall.LayerRole, true},
	{documentBucket, rolecall.LayerBucket, false},
	{documentKey, rolecall.LayerKey, false},
	{documentWorker, rolecall.LayerPrincipal, true},
	{documentSCP, rolecall.LayerOrganization, true},
	{documentRCP, rolecall.LayerOrganization, true},
}

// Kinds are the documents that can be given.
func Kinds() []string {
	var out []string
	for _, k := range kinds {
		out = append(out, k.name)
	}
	return out
}

// Fits tells whether the document can be given beside the others: it must be
// what its kind says, and the only one where there is one.
func (g Given) Fits(beside []Given) error {
	i := slices.IndexFunc(kinds, func(k kind) bool { return k.name == g.Kind })
	switch {
	case i < 0:
		return &rolecall.Error{Code: rolecall.Invalid, Message: fmt.Sprintf("there is no policy %q of a connection", g.Kind), Hint: "it is one of " + strings.Join(Kinds(), ", ")}
	case !kinds[i].many && slices.ContainsFunc(beside, func(o Given) bool { return o.Kind == g.Kind }):
		return &rolecall.Error{Code: rolecall.Invalid, Message: "the policy " + g.Kind + " is given twice", Hint: "there is but one"}
	}
	return g.Document.Fit(kindLayers[g.Kind])
}
