package lint

// The version is a date, and people put today's.
var versionUnknown = rule{
	code: "version-unknown", severity: Error,
	title: "Version is not one of AWS's",
	check: func(p *pass) {
		version := p.root.get("Version")
		if version == nil || version.text == "2012-10-17" || version.text == "2008-10-17" {
			return
		}
		p.report(found{
			at: version, message: quote(version.text) + " is no version of the policy language",
			hint: "the version is 2012-10-17; it is not the date of the document",
			fix:  func() { version.become(text("2012-10-17")) },
		})
	},
}
