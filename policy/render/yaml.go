package render

import (
	"fmt"
	"regexp"
	"strings"
)

// plainKey needs no quotes, in YAML or as an identifier of HCL's.
var plainKey = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_]*$`)

func key(name string) string {
	if plainKey.MatchString(name) {
		return name
	}
	return quoted(name)
}

// writeYAML writes a tree in block style, below what stands at the indent.
func writeYAML(b *strings.Builder, indent string, tree any) {
	switch t := tree.(type) {
	case object:
		for _, m := range t {
			b.WriteString(comment(indent, m.comment))
			b.WriteString(indent + key(m.name) + ":")
			yamlValue(b, indent, m.value)
		}
	case list:
		for _, v := range t {
			if c, ok := v.(commented); ok {
				b.WriteString(comment(indent, c.comment))
				v = c.value
			}
			if o, ok := v.(object); ok && len(o) > 0 {
				// The first member stands next to the dash.
				var below strings.Builder
				writeYAML(&below, indent+"  ", o)
				b.WriteString(indent + "- " + strings.TrimPrefix(below.String(), indent+"  "))
				continue
			}
			b.WriteString(indent + "-")
			yamlValue(b, indent, v)
		}
	}
}

// yamlValue writes what comes after a name or a dash.
func yamlValue(b *strings.Builder, indent string, value any) {
	switch v := value.(type) {
	case object:
		if len(v) > 0 {
			b.WriteByte('\n')
			writeYAML(b, indent+"  ", v)
			return
		}
		b.WriteString(" {}\n")
	case list:
		if len(v) > 0 {
			b.WriteByte('\n')
			writeYAML(b, indent+"  ", v)
			return
		}
		b.WriteString(" []\n")
	default:
		b.WriteString(" " + scalar(v) + "\n")
	}
}

// scalar writes a value that is no object and no list, for YAML or HCL.
func scalar(value any) string {
	switch v := value.(type) {
	case string:
		return quoted(v)
	case expression:
		return string(v)
	case nil:
		return "null"
	}
	return fmt.Sprint(value)
}
