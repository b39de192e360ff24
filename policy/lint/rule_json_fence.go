package lint

// IAM takes the document and nothing around it.
var jsonFence = rule{
	code: "json-fence", severity: Error,
	title: "text stands around the document",
	check: func(p *pass) {
		p.quirksOf("paste only what is between the outermost braces")
	},
}
