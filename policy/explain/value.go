package explain

import (
	"slices"
	"strings"

	"github.com/rolecall/rolecall/policy/internal/tree"
)

// appendTexts puts texts behind what is there; a single value becomes a list.
func appendTexts(n *tree.Node, texts ...string) {
	if n.Kind != '[' {
		n.Become(&tree.Node{Kind: '[', Items: []*tree.Node{n.Clone()}})
	}
	n.Items = append(n.Items, tree.List(texts...).Items...)
}

// dropText takes a text out of a list. It is false when nothing else is in it,
// or it is not there as given, ignoring case.
func dropText(n *tree.Node, text string) bool {
	if n == nil || n.Kind != '[' || len(n.Items) < 2 {
		return false
	}
	i := slices.IndexFunc(n.Items, func(item *tree.Node) bool {
		return item.Kind != '[' && item.Kind != '{' && strings.EqualFold(item.Text, text)
	})
	if i < 0 {
		return false
	}
	n.Items = slices.Delete(n.Items, i, i+1)
	return true
}

// removeStatement takes a statement out of a document.
func removeStatement(root *tree.Node, statement int) {
	s := root.Statements()
	s.Items = slices.Delete(s.Items, statement, statement+1)
}

// verbatim writes text so that a policy means just it. It is false when the
// document's version has no way to.
func verbatim(text string, modern bool) (string, bool) {
	if !strings.ContainsAny(text, "*?") && !strings.Contains(text, "${") {
		return text, true
	}
	return verbatimForm.Replace(text), modern
}

// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_variables.html#policy-vars-specialchars
var verbatimForm = strings.NewReplacer("*", "${*}", "?", "${?}", "$", "${$}")
