package strict

import (
	"bytes"
	"strings"
)

// Lines are the lines, from 1, of what is in a document, by JSON pointers to it.
type Lines map[string]int

// Of returns the line of what the pointer leads to, or, where that is missing, of
// what it is missing in; 0 if that is not known.
func (l Lines) Of(pointer string) int {
	for pointer != "" {
		if line, known := l[pointer]; known {
			return line
		}
		pointer = pointer[:strings.LastIndexByte(pointer, '/')]
	}
	return 0
}

// LinesOf returns the lines of what is in a JSON document, none if it is no JSON.
// Of a name that is given twice it is the last.
func LinesOf(data []byte) Lines {
	lines := Lines{}
	if Syntax(data) != nil {
		return lines
	}
	if n, err := parse(data); err == nil {
		n.note("", lines, &counter{text: data})
	}
	return lines
}

// note notes the lines of all that is below a value.
func (n node) note(at string, lines Lines, c *counter) {
	for _, m := range n.members {
		place := at + Pointer(m.name)
		lines[place] = c.line(m.end)
		m.value.note(place, lines, c)
	}
	for i, item := range n.items {
		place := at + Pointer(i)
		lines[place] = c.line(item.end)
		item.note(place, lines, c)
	}
}

// counter counts the lines of a text from front to back.
type counter struct {
	text   []byte
	at     int64
	passed int
}

// line returns the line of an offset that is none before the last one.
func (c *counter) line(offset int64) int {
	c.passed += bytes.Count(c.text[c.at:offset], []byte("\n"))
	c.at = offset
	return 1 + c.passed
}
