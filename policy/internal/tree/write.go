package tree

import (
	"bytes"
	"encoding/json"
	"strings"
)

// JSON writes the value without white space, of no value nothing. Strings and
// numbers that were read are written as they were: AWS takes some characters
// only escaped.
func (n *Node) JSON() []byte {
	if n == nil {
		return nil
	}
	var b bytes.Buffer
	n.write(&b)
	return b.Bytes()
}

// Indent writes the value, indented by two spaces.
func (n *Node) Indent() []byte {
	var out bytes.Buffer
	_ = json.Indent(&out, n.JSON(), "", "  ") // it was written by us
	return out.Bytes()
}

func (n *Node) write(b *bytes.Buffer) {
	switch {
	case n.Kind == '{':
		b.WriteByte('{')
		for i, m := range n.Members {
			if i > 0 {
				b.WriteByte(',')
			}
			writeString(b, m.Name)
			b.WriteByte(':')
			m.Value.write(b)
		}
		b.WriteByte('}')
	case n.Kind == '[':
		b.WriteByte('[')
		for i, item := range n.Items {
			if i > 0 {
				b.WriteByte(',')
			}
			item.write(b)
		}
		b.WriteByte(']')
	case n.Source != "":
		b.WriteString(n.Source)
	case n.Kind == '"':
		writeString(b, n.Text)
	default:
		b.WriteString(n.Text)
	}
}

func writeString(b *bytes.Buffer, s string) {
	if special := func(c rune) bool { return c < ' ' || c > '~' || c == '"' || c == '\\' }; strings.IndexFunc(s, special) < 0 {
		b.WriteString(`"` + s + `"`)
		return
	}
	e := json.NewEncoder(b)
	e.SetEscapeHTML(false)
	_ = e.Encode(s) // strings can always be encoded
	b.Truncate(b.Len() - 1)
}
