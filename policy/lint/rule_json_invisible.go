package lint

// Invisible characters make a document malformed, or a name another one.
var jsonInvisible = rule{
	code: "json-invisible", severity: Error,
	title: "the document holds invisible characters",
	check: func(p *pass) {
		p.quirksOf("type these places anew; they come from web pages and word processors")
	},
}
