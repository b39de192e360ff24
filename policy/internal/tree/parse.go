package tree

import (
	"fmt"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/rolecall/rolecall/internal/strict"
)

// maxDepth bounds how deep a document or line may nest.
const maxDepth = 32

// Parse reads one JSON document. What is no JSON is a strict.SyntaxError.
// It follows RFC 8259, up to maxDepth, and leaves names that repeat to the caller.
func Parse(source string) (*Node, error) {
	r := reader{source: source}
	n := r.value(0)
	r.space()
	if !r.failed && r.at == len(source) && utf8.ValidString(source) {
		return n, nil
	}
	if r.deep {
		return nil, fmt.Errorf("the document nests deeper than %d", maxDepth)
	}
	return nil, strict.Syntax([]byte(source))
}

// MustParse reads a document that is known to be JSON: a policy.Document's.
func MustParse(source []byte) *Node {
	n, err := Parse(string(source))
	if err != nil {
		panic("tree: a parsed document is not JSON: " + err.Error())
	}
	return n
}

// reader reads JSON. After the first error it stays where that happened.
type reader struct {
	source  string
	at      int
	failed  bool
	deep    bool     // for it nests too deep
	nodes   []Node   // to be used: made by the slab, since there are many
	members []Member // likewise
}

// node returns a new node.
func (r *reader) node() *Node {
	if len(r.nodes) == 0 {
		r.nodes = make([]Node, slab)
	}
	n := &r.nodes[0]
	r.nodes = r.nodes[1:]
	return n
}

// member returns a new member.
func (r *reader) member() *Member {
	if len(r.members) == 0 {
		r.members = make([]Member, slab)
	}
	m := &r.members[0]
	r.members = r.members[1:]
	return m
}

// slab is how many nodes are made at once.
const slab = 16

func (r *reader) fail() { r.failed = true }

// space passes over white space.
func (r *reader) space() {
	for r.at < len(r.source) {
		switch r.source[r.at] {
		case ' ', '\t', '\r', '\n':
			r.at++
		default:
			return
		}
	}
}

// peek returns the next character that is no space, 0 at the end.
func (r *reader) peek() byte {
	r.space()
	if r.failed || r.at == len(r.source) {
		return 0
	}
	return r.source[r.at]
}

// take passes over the character if it is next.
func (r *reader) take(c byte) bool {
	if r.peek() != c {
		return false
	}
	r.at++
	return true
}

func (r *reader) value(depth int) *Node {
	c := r.peek()
	start := r.at
	n := r.node()
	n.Kind, n.At = c, start
	switch {
	case depth > maxDepth:
		r.fail()
		r.deep = true
	case c == '{', c == '[':
		r.at++
		r.list(n, depth)
	case c == '"':
		n.Text = r.string()
	case c == '-', '0' <= c && c <= '9':
		n.Kind = '0'
		r.number()
		n.Text = r.source[start:r.at]
	default:
		n.Kind = r.word()
		n.Text = r.source[start:r.at]
	}
	n.Source = r.source[start:r.at]
	return n
}

// list reads the members of an object or the items of an array, to its end.
func (r *reader) list(n *Node, depth int) {
	end := n.Kind + 2 // of both { and [
	if r.take(end) {
		return
	}
	for !r.failed {
		if n.Kind == '[' {
			n.Items = append(n.Items, r.value(depth+1))
		} else {
			if r.peek() != '"' {
				r.fail()
				return
			}
			m := r.member()
			m.At = r.at
			m.Name = r.string()
			if !r.take(':') {
				r.fail()
				return
			}
			m.Value = r.value(depth + 1)
			n.Members = append(n.Members, m)
		}
		if r.take(end) {
			return
		}
		if !r.take(',') {
			r.fail()
		}
	}
}

// word reads true, false or null.
func (r *reader) word() byte {
	for _, w := range []struct {
		text string
		kind byte
	}{{"true", 't'}, {"false", 't'}, {"null", 'n'}} {
		if strings.HasPrefix(r.source[r.at:], w.text) {
			r.at += len(w.text)
			return w.kind
		}
	}
	r.fail()
	return 0
}

func (r *reader) digits() {
	start := r.at
	for r.at < len(r.source) && '0' <= r.source[r.at] && r.source[r.at] <= '9' {
		r.at++
	}
	if r.at == start {
		r.fail()
	}
}

// next passes over one of the characters, without space before it.
func (r *reader) next(of string) bool {
	if r.at == len(r.source) || strings.IndexByte(of, r.source[r.at]) < 0 {
		return false
	}
	r.at++
	return true
}

func (r *reader) number() {
	r.next("-")
	if !r.next("0") {
		r.digits()
	}
	if r.next(".") {
		r.digits()
	}
	if r.next("eE") {
		r.next("+-")
		r.digits()
	}
}

// string reads a string from its opening quote.
func (r *reader) string() string {
	r.at++
	start := r.at
	var b strings.Builder
	for r.at < len(r.source) {
		switch c := r.source[r.at]; {
		case c == '"':
			text := r.source[start:r.at]
			r.at++
			if b.Len() == 0 {
				return text
			}
			b.WriteString(text)
			return b.String()
		case c < ' ':
			r.fail()
			return ""
		case c == '\\':
			b.WriteString(r.source[start:r.at])
			r.at++
			r.escape(&b)
			if r.failed {
				return ""
			}
			start = r.at
		default:
			r.at++
		}
	}
	r.fail()
	return ""
}

// escape reads what follows a backslash. Half of a surrogate pair becomes the
// replacement character, as in encoding/json.
func (r *reader) escape(b *strings.Builder) {
	const escapes, meanings = `"\/bfnrt`, "\"\\/\b\f\n\r\t"
	if r.next("u") {
		c := r.hex()
		if utf16.IsSurrogate(c) {
			after := *r
			low := rune(-1)
			if r.next(`\`) && r.next("u") {
				low = r.hex()
			}
			if c = utf16.DecodeRune(c, low); c == utf8.RuneError {
				*r = after
			}
		}
		b.WriteRune(c)
		return
	}
	if r.at == len(r.source) || strings.IndexByte(escapes, r.source[r.at]) < 0 {
		r.fail()
		return
	}
	b.WriteByte(meanings[strings.IndexByte(escapes, r.source[r.at])])
	r.at++
}

func (r *reader) hex() rune {
	if len(r.source)-r.at >= 4 {
		if c, err := strconv.ParseUint(r.source[r.at:r.at+4], 16, 16); err == nil {
			r.at += 4
			return rune(c)
		}
	}
	r.fail()
	return utf8.RuneError
}
