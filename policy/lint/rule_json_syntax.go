package lint

// What the reader cannot read, nobody else can.
var jsonSyntax = rule{
	code: "json-syntax", severity: Error,
	title: "the text is no JSON document",
	check: func(p *pass) {
		p.quirksOf("copy the whole document again, from its first brace to its last")
	},
}
