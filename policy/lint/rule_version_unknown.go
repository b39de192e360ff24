package lint

import "github.com/rolecall/rolecall/policy/internal/tree"

// The version is a date, and people put today's.
var versionUnknown = rule{
	code: "version-unknown", severity: Error,
	title: "Version is not one of AWS's",
	check: func(p *pass) {
		version := p.root.Get("Version")
		if version == nil || version.Text == "2012-10-17" || version.Text == "2008-10-17" {
			return
		}
		p.report(found{
			at: version, message: quote(version.Text) + " is no version of the policy language",
			hint: "write 2012-10-17, which is not the date of the document",
			fix:  func() { version.Become(tree.Text("2012-10-17")) },
		})
	},
}
