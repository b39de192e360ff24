package lint

import (
	"github.com/rolecall/rolecall"
	"github.com/rolecall/rolecall/policy"
)

// Documents returns the policies in a text as they were pasted: with what a tool
// printed around them, comments and the like. Its error is rolecall.Errors,
// with places in the text's value.
func Documents(text []byte) ([]*policy.Document, error) {
	var out []*policy.Document
	var faults rolecall.Errors
	for _, d := range read(string(text)) {
		if d.root == nil || d.broken {
			why := "it is no policy"
			for _, q := range d.quirks {
				if q.rule == "json-syntax" {
					why = q.text
				}
			}
			faults.Add(d.inside.pointer, why, "You: run rolecall policy lint FILE, which says where it is wrong")
			continue
		}
		if d.inside.pointer == "" {
			d.root.Locate("")
		}
		root := policyIn(d.root)
		document, err := policy.Parse(root.JSON())
		if err != nil {
			faults.AddErr(root.Pointer, err)
			continue
		}
		out = append(out, document)
	}
	return out, faults.Err()
}
