package lint

// JSON knows few escapes.
var jsonEscape = rule{
	code: "json-escape", severity: Error,
	title: "a string holds a backslash that JSON does not know",
	check: func(p *pass) {
		p.quirksOf("write the characters themselves; Markdown puts backslashes before stars and underscores")
	},
}
