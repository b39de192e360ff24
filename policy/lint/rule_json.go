package lint

// The rules of what the reader notes: in JSON, AWS takes nothing of it.
var (
	jsonSyntax    = jsonRule("json-syntax", "the text is no JSON document", "copy the whole document again, as JSON, from its first brace to its last; YAML and Terraform's own syntax are not read")
	jsonFence     = jsonRule("json-fence", "text stands around the document", "paste only what is between the outermost braces")
	jsonInvisible = jsonRule("json-invisible", "the document holds invisible characters", "type these places again; they come from web pages and word processors")
	jsonComment   = jsonRule("json-comment", "the document holds comments", "remove the comments, which JSON does not have; a Sid can say the same")
	jsonComma     = jsonRule("json-comma", "a comma is missing, or one too many", "put exactly one comma between two values")
	jsonQuotes    = jsonRule("json-quotes", "names or strings are not in straight double quotes", "write straight double quotes; word processors and chat programs change them")
	jsonEscape    = jsonRule("json-escape", "a string holds a backslash that JSON does not know", "write the characters themselves; Markdown puts backslashes before stars and underscores")
)

func jsonRule(code, title, hint string) rule {
	return rule{code: code, severity: Error, title: title, check: func(p *pass) { p.quirksOf(hint) }}
}
