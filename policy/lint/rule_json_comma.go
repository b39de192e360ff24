package lint

// IAM refuses a document with a comma too few or too many.
var jsonComma = rule{
	code: "json-comma", severity: Error,
	title: "a comma is missing, or one too many",
	check: func(p *pass) {
		p.quirksOf("JSON has exactly one comma between two values")
	},
}
