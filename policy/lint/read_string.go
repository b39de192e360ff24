package lint

import (
	"regexp"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// numberForm is JSON's.
var numberForm = regexp.MustCompile(`^-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?$`)

const (
	doubles = "\"“”„‟″«»"
	singles = "'‘’‚‛′`´"
)

// quoteOf returns the straight form of a character that people quote with, or 0.
func quoteOf(c rune) byte {
	switch {
	case strings.ContainsRune(doubles, c):
		return '"'
	case strings.ContainsRune(singles, c):
		return '\''
	default:
		return 0
	}
}

// string reads a string. One that opens with a straight quote ends with one, or,
// failing that before the line ends, with a smart one.
func (r *reader) string() string {
	start := r.at
	open, size := utf8.DecodeRuneInString(r.rest())
	r.at += size
	enders := doubles
	switch {
	case open == '"':
		enders = `"`
		if !closed(r.rest()) {
			enders = doubles
		}
	case quoteOf(open) == '\'':
		enders = singles
	}
	var b strings.Builder
	for r.at < len(r.source) {
		c, size := utf8.DecodeRuneInString(r.rest())
		r.at += size
		switch {
		case strings.ContainsRune(enders, c):
			if open != '"' || c != '"' {
				r.quirk("json-quotes", start, "quotes are "+string(open)+"…"+string(c)+", not \"…\"")
			}
			return b.String()
		case c == '\\':
			r.escape(&b)
		case c == '\n':
			r.at = start
			r.fail("a string does not end on its line")
			return ""
		case c < ' ':
			r.quirk("json-invisible", r.at-size, "a control character in a string")
		case invisible(c):
			r.quirk("json-invisible", r.at-size, "an invisible character in a string, "+codePoint(c))
		default:
			b.WriteRune(c)
		}
	}
	r.at = start
	r.fail("a string does not end")
	return ""
}

// closed reports whether a straight quote that no backslash escapes is on the line.
func closed(text string) bool {
	for i := 0; i < len(text); i++ {
		switch text[i] {
		case '\n':
			return false
		case '\\':
			i++
		case '"':
			return true
		}
	}
	return false
}

// escape reads what follows a backslash. An escape that JSON does not have is
// the character itself: word processors and Markdown write such.
func (r *reader) escape(b *strings.Builder) {
	const escapes, meanings = `"\/bfnrt`, "\"\\/\b\f\n\r\t"
	at := r.at - 1
	c, size := utf8.DecodeRuneInString(r.rest())
	r.at += size
	if i := strings.IndexRune(escapes, c); i >= 0 && c < utf8.RuneSelf {
		b.WriteByte(meanings[i])
		return
	}
	if c == 'u' {
		if v, ok := r.hex(); ok {
			if utf16.IsSurrogate(v) && r.starts(`\u`) {
				r.at += 2
				low, _ := r.hex()
				v = utf16.DecodeRune(v, low)
			}
			b.WriteRune(v)
			return
		}
	}
	if size > 0 && c >= ' ' {
		r.quirk("json-escape", at, `\`+string(c)+" is no escape of JSON's")
		b.WriteRune(c)
		return
	}
	r.at = at
	r.fail("a string does not end on its line")
}

func (r *reader) hex() (rune, bool) {
	if len(r.rest()) < 4 {
		return 0, false
	}
	v, err := strconv.ParseUint(r.source[r.at:r.at+4], 16, 16)
	if err != nil {
		return 0, false
	}
	r.at += 4
	return rune(v), true
}

// quote shows a user's text in a message: quoted, cut to a bearable length.
func quote(s string) string {
	if len(s) > 80 {
		s = strings.ToValidUTF8(s[:77], "") + "..."
	}
	return strconv.Quote(s)
}
