package lint

// IAM refuses curly, single and missing quotes.
var jsonQuotes = rule{
	code: "json-quotes", severity: Error,
	title: "names or strings are not in straight double quotes",
	check: func(p *pass) {
		p.quirksOf("write straight double quotes; word processors and chat programs bend them")
	},
}
