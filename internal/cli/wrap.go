package cli

import (
	"regexp"
	"strings"
	"unicode"
)

// wrapped breaks text between words, at so many columns; later lines are
// indented.
func wrapped(text string, columns int, indent string) string {
	var lines []string
	line := ""
	for _, word := range strings.Fields(printable(text)) {
		if line != "" && width(line)+1+width(word) > columns {
			lines, line = append(lines, line), ""
		}
		if line != "" {
			line += " "
		}
		line += word
	}
	return strings.Join(append(lines, line), "\n"+indent)
}

// fitted breaks the lines of a text for a terminal between words, so that none is
// wider than its columns but for words that are longer. What follows a break is
// indented as far as its line is, below a branch of a tree below it.
func fitted(text string, columns int) string {
	var b strings.Builder
	for line := range strings.Lines(text) {
		body, end := strings.CutSuffix(line, "\n")
		if width(body) <= columns {
			b.WriteString(line)
			continue
		}
		rest := strings.TrimLeft(body, " │├└─")
		lead := body[:len(body)-len(rest)]
		under := branches.Replace(lead)
		if label := labels.FindString(rest); label != "" {
			under += strings.Repeat(" ", len(label))
		} else if under == lead {
			under += "  "
		}
		b.WriteString(lead)
		b.WriteString(broken(rest, columns-width(lead), columns-width(under), under))
		if end {
			b.WriteByte('\n')
		}
	}
	return b.String()
}

// branches makes what stands below a branch of a tree.
var branches = strings.NewReplacer("├", "│", "└", " ", "─", " ")

// labels are what texts may stand beside.
var labels = regexp.MustCompile(`^(hint|at|add): +`)

// broken breaks a line between words; the first has other room than those below.
func broken(line string, first, others int, indent string) string {
	var b strings.Builder
	room := first
	for i, word := range strings.Split(line, " ") {
		switch w := width(word); {
		case i == 0:
			room -= w
		case w+1 > room:
			b.WriteString("\n" + indent)
			room = others - w
		default:
			b.WriteByte(' ')
			room -= w + 1
		}
		b.WriteString(word)
	}
	return b.String()
}

// width is how many columns of a terminal a text takes.
func width(text string) int {
	n := 0
	for _, r := range escapes.ReplaceAllString(text, "") {
		switch {
		case unicode.Is(unicode.Mn, r):
		case unicode.In(r, unicode.Han, unicode.Hangul, unicode.Hiragana, unicode.Katakana), r >= 0xff01 && r <= 0xff60, r >= 0x1f300 && r <= 0x1faff:
			n += 2
		default:
			n++
		}
	}
	return n
}

// escapes are what paints a text.
var escapes = regexp.MustCompile("\x1b\\[[0-9;]*m")
