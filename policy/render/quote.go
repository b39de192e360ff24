package render

import (
	"fmt"
	"strings"
)

// quoted writes a string in double quotes with escapes that mean the same in
// YAML and in HCL.
func quoted(s string) string {
	var b strings.Builder
	b.WriteByte('"')
	for _, r := range s {
		switch {
		case r == '"' || r == '\\':
			b.WriteByte('\\')
			b.WriteRune(r)
		case r >= ' ' && r <= '~':
			b.WriteRune(r)
		case r > 0xffff:
			fmt.Fprintf(&b, `\U%08x`, r)
		default:
			fmt.Fprintf(&b, `\u%04x`, r)
		}
	}
	b.WriteByte('"')
	return b.String()
}

// shell writes a string as one word of a shell.
func shell(s string) string { return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'" }

// comment writes a text as lines of comment, each after the indent.
func comment(indent, text string) string {
	if text == "" {
		return ""
	}
	const width = 110
	var b strings.Builder
	line := indent + "#"
	for _, word := range strings.Fields(printable(text)) {
		if len(line)+1+len(word) > width && line != indent+"#" {
			b.WriteString(line + "\n")
			line = indent + "#"
		}
		line += " " + word
	}
	b.WriteString(line + "\n")
	return b.String()
}

// printable keeps a text from ending its line.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r > '~' {
			return '?'
		}
		return r
	}, s)
}
