package lint

import (
	"strings"

	"github.com/rolecall/rolecall/policy/internal/tree"
)

// Without Version AWS reads a document by the rules of 2008, in which
// variables such as ${aws:username} are plain text.
var versionMissing = rule{
	code: "version-missing", severity: Warning, strict: true,
	title: "Version is missing or old",
	check: func(p *pass) {
		if p.root == nil || p.root.Kind != '{' || p.root.Get("Statement") == nil {
			return
		}
		at, message := p.root, "Version is missing"
		if version := p.root.Get("Version"); version != nil {
			if version.Text != "2008-10-17" {
				return
			}
			at, message = version, "Version is 2008-10-17"
		}
		p.report(found{
			at: at, message: message + "; AWS reads the document by the rules of 2008, without policy variables",
			hint: `add "Version": "2012-10-17"`,
			fix: func() {
				p.root.Remove("Version")
				p.root.Members = append([]*tree.Member{{Name: "Version", At: -1, Value: tree.Text("2012-10-17")}}, p.root.Members...)
			},
			widens: strings.Contains(string(p.root.JSON()), "${"),
		})
	},
}
