package render

import (
	"fmt"
	"strings"
)

// block is a nested block, which has no equals sign.
type block object

// hclString writes a string that has no template: its "${" and "%{" are
// text. https://developer.hashicorp.com/terraform/language/expressions/strings
func hclString(s string) string {
	text := quoted(s)
	var b strings.Builder
	for i := 0; i < len(text); i++ {
		opens := (text[i] == '$' || text[i] == '%') && strings.HasPrefix(text[i+1:], "{")
		switch {
		case opens && i > 0 && text[i-1] == text[i]:
			fmt.Fprintf(&b, `\u%04x`, text[i]) // after its like, doubling would be misread
		case opens:
			b.WriteByte(text[i])
			fallthrough
		default:
			b.WriteByte(text[i])
		}
	}
	return b.String()
}

// hclBlock writes a block of the module, aligned as terraform fmt does.
func hclBlock(b *strings.Builder, header string, body object) {
	b.WriteString("\n" + header + " {\n")
	hclBody(b, "  ", body)
	b.WriteString("}\n")
}

// hclBody writes attributes and blocks. The equals signs of attributes that
// follow each other, each on one line, stand below each other.
func hclBody(b *strings.Builder, indent string, body object) {
	for start := 0; start < len(body); {
		m := body[start]
		if inner, ok := m.value.(block); ok {
			if start > 0 {
				b.WriteByte('\n')
			}
			b.WriteString(indent + m.name + " {\n")
			hclBody(b, indent+"  ", object(inner))
			b.WriteString(indent + "}\n")
			start++
			continue
		}
		end := start
		width := 0
		var values []string
		for ; end < len(body); end++ {
			m := body[end]
			if _, nested := m.value.(block); nested || m.comment != "" && end > start {
				break
			}
			value := hclValue(indent, m.value)
			values = append(values, value)
			if strings.Contains(value, "\n") {
				if end == start {
					width = len(key(m.name))
					end++
				} else {
					values = values[:len(values)-1]
				}
				break
			}
			width = max(width, len(key(m.name)))
		}
		for i, value := range values {
			m := body[start+i]
			b.WriteString(comment(indent, m.comment))
			fmt.Fprintf(b, "%s%-*s = %s\n", indent, width, key(m.name), value)
		}
		start = end
	}
}

// hclValue writes an expression that begins on a line with the indent.
func hclValue(indent string, value any) string {
	var b strings.Builder
	switch v := value.(type) {
	case string:
		return hclString(v)
	case object:
		b.WriteString("{\n")
		hclBody(&b, indent+"  ", v)
		b.WriteString(indent + "}")
	case list:
		if flat, ok := flatList(v); ok {
			return flat
		}
		b.WriteString("[\n")
		for _, item := range v {
			if c, ok := item.(commented); ok {
				b.WriteString(comment(indent+"  ", c.comment))
				item = c.value
			}
			b.WriteString(indent + "  " + hclValue(indent+"  ", item) + ",\n")
		}
		b.WriteString(indent + "]")
	default:
		return scalar(v)
	}
	return b.String()
}

// flatList writes a list of a few words on one line.
func flatList(items list) (string, bool) {
	var words []string
	size := 0
	for _, item := range items {
		switch item.(type) {
		case object, list, commented:
			return "", false
		}
		word := hclValue("", item)
		words, size = append(words, word), size+len(word)
	}
	return "[" + strings.Join(words, ", ") + "]", size < 100
}
