package lint

import (
	"slices"
	"strings"

	"github.com/rolecall/rolecall/policy"
)

// What the connection's own documents allow, the pasted one should.
var accessMissing = rule{
	code: "access-missing", severity: Error,
	title: "the connection needs something that the document does not allow",
	kinds: []policy.Kind{policy.TrustDocument, policy.PermissionsDocument, policy.BucketDocument, policy.KeyDocument},
	check: func(p *pass) {
		for _, n := range p.needs() {
			p.missing(n)
		}
	},
}

// missing reports the actions of a statement of the kit that the document does
// not allow. The fix adds the statement with these; against a Deny it would be
// of no use.
func (p *pass) missing(n need) {
	if len(n.denied) > 0 {
		f := found{
			at: p.root, message: strings.Join(n.denied, ", ") + " on " + n.where + " is denied, and the connection needs it",
			hint: "narrow the Deny; rolecall policy simulate names its statement",
		}
		if slices.Contains(n.denied, "s3:PutObject") {
			if send, _ := p.sendable(); send != "" { // what can be sent comes before what the customer changes
				f.hint, f.by = send, operator
			}
		}
		p.report(f)
	}
	if len(n.lacking) == 0 || len(p.allows()) == 0 && p.denies() {
		return // a document that only denies comes with another that allows
	}
	f := found{
		at: p.root, message: strings.Join(n.lacking, ", ") + " on " + n.where + " is not allowed, and the connection needs it",
		hint: "add the statement that rolecall policy generate prints", widens: true,
	}
	add := n.statement.Clone()
	add.Set("Action", single(n.lacking))
	for _, s := range p.statements {
		if sid := s.Get("Sid"); sid != nil && sid.Text == n.statement.Get("Sid").Text {
			add.Remove("Sid")
		}
	}
	if p.keepConditions(add) {
		f.fix = func() { p.addStatement(add) }
	} else {
		f.hint += ", with the conditions of the other statements that its requests can meet"
	}
	p.report(f)
}
