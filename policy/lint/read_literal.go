package lint

import (
	"regexp"
	"strings"

	"github.com/rolecall/rolecall/policy/internal/tree"
)

// escapedStart is how a document begins that is a string of a program or an
// argument of a command in double quotes.
var escapedStart = regexp.MustCompile(`^\{(?:\s|\\[nrt])*\\+"`)

// literal reads a document inside of a string, whose end ends the document, too.
func (r *reader) literal() *tree.Node {
	start := r.at
	text, places := unescape(r.source, start)
	r.read += len(text)
	inside := &reader{source: text}
	root := inside.next() // escaped again, perhaps
	r.quirk("json-escape", start, "quotes are escaped, as in a string of a program")
	for _, q := range inside.doc.quirks {
		r.quirk(q.rule, places[q.at], q.text)
	}
	for _, c := range inside.doc.comments {
		r.doc.comments = append(r.doc.comments, comment{places[c.at], c.text})
	}
	moveBy(root, places)
	r.broken, r.at = inside.broken, places[inside.at]
	if r.broken {
		r.at = len(r.source)
	}
	return root
}

// moveBy sets the places of a value, and of all below, to those that the table has for them.
func moveBy(n *tree.Node, places []int) {
	n.At = places[n.At]
	for _, m := range n.Members {
		m.At = places[m.At]
		moveBy(m.Value, places)
	}
	for _, item := range n.Items {
		moveBy(item, places)
	}
}

// unescape returns the text of a string from a place in it to the quote that ends
// it, and for each byte and the end where it stands in the source.
func unescape(source string, start int) (text string, places []int) {
	end := byte('"')
	if start > 0 && source[start-1] == '\'' {
		end = '\''
	}
	var b strings.Builder
	put := func(at int, text string) {
		for range len(text) {
			places = append(places, at)
		}
		b.WriteString(text)
	}
	i := start
	for i < len(source) && source[i] != end {
		if source[i] != '\\' || i+1 == len(source) {
			put(i, source[i:i+1])
			i++
			continue
		}
		switch c := source[i+1]; c {
		case 'n', 'r', 't':
			put(i, map[byte]string{'n': "\n", 'r': "\r", 't': "\t"}[c])
		case '"', '\\', '/', '$', '`', '\'':
			put(i, string(c))
		default:
			put(i, `\`)
			put(i+1, string(c))
		}
		i += 2
	}
	return b.String(), append(places, i)
}
