package lint

import (
	"strings"

	"github.com/rolecall/rolecall"
	"github.com/rolecall/rolecall/policy"
	"github.com/rolecall/rolecall/policy/internal/tree"
)

// What no other rule knows to name, and the grammar refuses.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_grammar.html
var documentGrammar = rule{
	code: "document-grammar", severity: Error,
	title: "the document is not written as policies are",
	check: func(p *pass) {
		if p.root == nil || !p.last || p.root.Get("Statement") == nil {
			return
		}
		told := map[string]bool{}
		for _, f := range p.told {
			told[f.Pointer] = told[f.Pointer] || f.Severity == Error
		}
		if len(told) > 0 && p.fixed != nil && len(grammarOf(p.fixed, p.kind)) == 0 {
			return // what is wrong comes of what was found before
		}
		for _, e := range grammarOf(p.root, p.kind) {
			at := p.root.Follow(e.Pointer)
			if at == nil {
				at = &tree.Node{Pointer: e.Pointer}
			}
			if !told[e.Pointer] {
				p.report(found{at: at, message: e.Message, hint: strings.TrimPrefix(e.Hint, you+": ")})
			}
		}
	},
}

func grammarOf(root *tree.Node, kind policy.Kind) rolecall.Errors {
	d, err := policy.Parse(root.JSON())
	if err != nil {
		return rolecall.List(err)
	}
	return rolecall.List(d.FitKind(kind))
}
