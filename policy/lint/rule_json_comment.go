package lint

// IAM refuses a document with comments.
var jsonComment = rule{
	code: "json-comment", severity: Error,
	title: "the document holds comments",
	check: func(p *pass) {
		p.quirksOf("JSON has no comments; what they say fits into a Sid")
	},
}
