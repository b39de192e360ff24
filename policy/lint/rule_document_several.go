package lint

// A policy is attached by itself, so a file should hold one.
var documentSeveral = rule{
	code: "document-several", severity: Error,
	title: "the file holds several documents",
	check: func(p *pass) {
		p.quirksOf("put each document into a file of its own; AWS takes one at a time")
	},
}
