package lint

// JSON knows few escapes.
var jsonEscape = rule{
	code: "json-escape", severity: Error,
	title: "a string holds a backslash that JSON does not know",
	check: func(p *pass) {
		p.quirksOf("remove the backslash; Markdown puts some before stars and underscores")
	},
}
