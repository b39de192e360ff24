package strict

import (
	"bytes"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// SyntaxError is what keeps a text from being JSON.
type SyntaxError struct {
	Line, Column int // from 1; columns are characters
	Why, Hint    string
}

// Error returns the place and what is wrong there, without the hint.
func (e *SyntaxError) Error() string {
	if e.Why == tooDeep {
		return e.Why
	}
	return fmt.Sprintf("not JSON at line %d, column %d: %s", e.Line, e.Column, e.Why)
}

// Syntax returns the first thing that keeps the text from being JSON, in the
// words of someone who wrote it by hand, or nil if the text is JSON. No word
// shows what may be a secret.
func Syntax(data []byte) *SyntaxError {
	s := syntax{text: data}
	s.document()
	if s.why == "" {
		return nil
	}
	before := data[:s.place]
	line := before[bytes.LastIndexByte(before, '\n')+1:]
	return &SyntaxError{
		Line: 1 + bytes.Count(before, []byte("\n")), Column: 1 + utf8.RuneCount(line), Why: s.why, Hint: s.hint,
	}
}

// syntax reads JSON for its form alone, up to the first fault.
type syntax struct {
	text      []byte
	at        int
	open      []int // where the brackets that are open stand
	place     int   // of the fault
	why, hint string
}

func (s *syntax) fail(at int, why, hint string) {
	if s.why == "" {
		s.place, s.why, s.hint = at, why, hint
	}
}

// document reads all of the text.
func (s *syntax) document() {
	switch bad := invalidUTF8(s.text); {
	case bytes.HasPrefix(s.text, []byte{0xff, 0xfe}), bytes.HasPrefix(s.text, []byte{0xfe, 0xff}):
		s.fail(0, "the text is UTF-16", asUTF8)
	case bytes.IndexByte(s.text, 0) >= 0:
		s.fail(bytes.IndexByte(s.text, 0), "the text has a NUL character", asUTF8)
	case bad >= 0:
		s.fail(bad, "the text is not UTF-8", asUTF8)
	case bytes.HasPrefix(s.text, []byte("\ufeff")):
		s.fail(0, "the text begins with a byte order mark", "You: save the file as UTF-8 without it")
	case len(bytes.TrimLeft(s.text, blanks)) == 0:
		s.fail(0, "the document is empty", "You: write a JSON document; it begins with {")
	default:
		s.value()
		if s.next() != 0 {
			s.fail(s.at, "there is more after the document", "You: keep one document, and remove what follows its last bracket")
		}
	}
}

var tooDeep = fmt.Sprintf("the document nests deeper than %d", maxDepth)

const (
	blanks = " \t\r\n"
	asUTF8 = "You: save the file as UTF-8"
)

// invalidUTF8 is where a text stops being UTF-8; -1: nowhere.
func invalidUTF8(text []byte) int {
	for i := 0; i < len(text); {
		r, n := utf8.DecodeRune(text[i:])
		if r == utf8.RuneError && n == 1 {
			return i
		}
		i += n
	}
	return -1
}

// next returns the next character that is no space; 0 at the end, and after a fault.
func (s *syntax) next() byte {
	for s.at < len(s.text) && strings.IndexByte(blanks, s.text[s.at]) >= 0 {
		s.at++
	}
	if s.why != "" || s.at == len(s.text) {
		return 0
	}
	return s.text[s.at]
}

// take passes over the character if it is next.
func (s *syntax) take(c byte) bool {
	if c == 0 || s.next() != c {
		return false
	}
	s.at++
	return true
}

func (s *syntax) value() {
	switch c := s.next(); {
	case len(s.open) > maxDepth:
		s.fail(s.at, tooDeep, "You: write it flatter")
	case c == '{', c == '[':
		s.open = append(s.open, s.at)
		s.at++
		s.list(c)
		if s.why == "" {
			s.open = s.open[:len(s.open)-1]
		}
	case c == '"':
		s.string()
	case c == '-', '0' <= c && c <= '9':
		s.number()
	case s.why != "":
	case s.literal():
	default:
		s.unexpected("a value")
	}
}

// list reads an object or a list from behind its bracket.
func (s *syntax) list(bracket byte) {
	end := bracket + 2 // of both { and [
	if s.take(end) {
		return
	}
	for s.why == "" {
		name := ""
		if bracket == '{' {
			name = s.member()
		}
		s.value()
		after := s.at
		switch {
		case s.why != "", s.take(end):
			return
		case s.take(','):
		default:
			s.unseparated(bracket, name, after)
		}
	}
}

// member reads a name and its colon.
func (s *syntax) member() string {
	if s.next() != '"' {
		s.unexpected("a name")
		return ""
	}
	start := s.at
	s.string()
	name := Quote(strings.Trim(string(s.text[start:s.at]), `"`))
	after := s.at
	switch {
	case s.take(':'):
	case s.next() == '=':
		s.fail(s.at, fmt.Sprintf("= stands after the name %s", name), "You: write : between a name and its value")
	default:
		s.fail(after, fmt.Sprintf("a colon is missing after the name %s", name), "You: write : between a name and its value")
	}
	return name
}

// unseparated says what is missing after a value of an object or list.
func (s *syntax) unseparated(bracket byte, name string, after int) {
	what := "the value of " + name
	if bracket == '[' {
		what = "an item of the list"
	}
	switch c := s.next(); {
	case c == 0:
		s.ended()
	case c == '}' || c == ']':
		s.fail(s.at, fmt.Sprintf("%c stands where the %c of line %d is to be closed", c, bracket, s.line(s.open[len(s.open)-1])),
			fmt.Sprintf("You: close it with %c first", bracket+2))
	case c == ':' && bracket == '[' && s.line(s.at) > s.line(s.open[len(s.open)-1]):
		s.fail(s.open[len(s.open)-1], fmt.Sprintf("the [ that stands here is not closed before the name in line %d", s.line(s.at)), "You: close the list with ]")
	case c == ':' && bracket == '[':
		s.fail(s.at, "a list has no names", "You: put names with values into { and }")
	case c == ';':
		s.fail(s.at, "; stands after "+what, "You: separate by commas")
	case isWord(rune(c)) && after == s.at && isWord(rune(s.text[after-1])): // as in 12abc or 007
		s.fail(s.at, "a number goes on as a text", "You: put a text into double quotes; a number has no leading zero")
	case c == '/' || c == '#':
		s.unexpected("a comma")
	default:
		s.fail(after, "a comma is missing after "+what, "You: add the comma; or escape a double quote within a text as \\\"")
	}
}

// ended says that the text ends while something is open.
func (s *syntax) ended() {
	if len(s.open) == 0 {
		s.fail(len(s.text), "the document ends too early", "You: see whether the file is whole")
		return
	}
	at := s.open[len(s.open)-1]
	hint := fmt.Sprintf("You: add the missing %c, or see whether the file is whole", s.text[at]+2)
	if c := s.text[s.last()]; c == ',' || c == ':' { // the bracket is not all that is missing
		hint = fmt.Sprintf("You: add what is missing before the %c that closes it, and that; or see whether the file is whole", s.text[at]+2)
	}
	s.fail(len(bytes.TrimRight(s.text, blanks)), fmt.Sprintf("the document ends, and the %c of line %d is not closed", s.text[at], s.line(at)), hint)
}

func (s *syntax) line(at int) int { return 1 + bytes.Count(s.text[:at], []byte("\n")) }

// unexpected says what stands where something else is expected.
func (s *syntax) unexpected(want string) {
	c := s.next()
	r, _ := utf8.DecodeRune(s.text[s.at:])
	inQuotes := "You: put it into double quotes"
	switch {
	case s.why != "":
	case c == 0:
		s.ended()
	case (c == '}' || c == ']') && s.text[s.last()] == ',':
		s.fail(s.last(), fmt.Sprintf("a comma stands before %c, with nothing between", c), "You: remove the comma")
	case c == '\'', strings.ContainsRune("‘’“”„«»`", r):
		s.fail(s.at, fmt.Sprintf("%c stands where double quotes are expected", r), `You: write " at both ends`)
	case c == '/' || c == '#':
		s.fail(s.at, "a comment stands here, which JSON does not have", "You: remove the comment")
	case c == '<' && len(s.open) == 0:
		s.fail(s.at, "this looks like HTML or XML", "You: give a JSON document; it begins with {")
	case c == '+' || c == '.':
		s.fail(s.at, fmt.Sprintf("%c does not begin a number", c), "You: begin a number with a digit, or - and a digit")
	case isWord(r) && len(s.open) == 0:
		s.fail(s.at, "a JSON document begins with { or [, not with "+Quote(s.word()), "You: write the document as JSON; YAML is read only where a page says so")
	case isWord(r):
		s.fail(s.at, want+" is expected, and "+Quote(s.word())+" is not in quotes", inQuotes)
	case c == '{' || c == '[':
		s.fail(s.at, fmt.Sprintf("%s is expected, not %c", want, c), "You: between { and } write names with values; a list stands in [ and ]")
	case want == "a name":
		s.fail(s.at, fmt.Sprintf("%s is expected, not %q", want, r), "You: write a name in double quotes, a colon, and its value")
	default:
		s.fail(s.at, fmt.Sprintf("%s is expected, not %q", want, r), "You: write a text in double quotes, a number, true, false, null, or what stands in { } or [ ]")
	}
}

// last is where the last character before this that is no space stands.
func (s *syntax) last() int {
	return max(0, len(bytes.TrimRight(s.text[:s.at], blanks))-1)
}

// isWord reports whether a word may have the character.
func isWord(r rune) bool {
	return unicode.IsLetter(r) || unicode.IsDigit(r) || strings.ContainsRune("_$-.:/@+", r)
}

// word is what stands here.
func (s *syntax) word() string {
	rest := string(s.text[s.at:])
	if end := strings.IndexFunc(rest, func(r rune) bool { return !isWord(r) }); end >= 0 {
		rest = rest[:end]
	}
	return rest
}

// literal reads true, false or null, and knows how others write them.
func (s *syntax) literal() bool {
	word := s.word()
	switch means := map[string]string{
		"true": "true", "false": "false", "null": "null", "none": "null", "nil": "null", "undefined": "null", "nan": "null", "infinity": "null",
	}[strings.ToLower(word)]; {
	case means == "" || len(s.open) == 0 && means != word:
		return false
	case means != word:
		s.fail(s.at, word+" is no value of JSON's", "You: write "+means+", or put a text into double quotes")
	default:
		s.at += len(word)
	}
	return true
}

// number reads a number. What follows it at once is not part of it.
func (s *syntax) number() {
	digits := func() {
		start := s.at
		for s.at < len(s.text) && '0' <= s.text[s.at] && s.text[s.at] <= '9' {
			s.at++
		}
		if s.at == start {
			s.fail(s.at, "a digit of the number is missing", "You: write it as 12, -0.5 or 1e6, or put a text into double quotes")
		}
	}
	one := func(of string) bool {
		if s.at == len(s.text) || strings.IndexByte(of, s.text[s.at]) < 0 {
			return false
		}
		s.at++
		return true
	}
	one("-")
	if !one("0") {
		digits()
	}
	if s.why == "" && one(".") {
		digits()
	}
	if s.why == "" && one("eE") {
		one("+-")
		digits()
	}
}

// string reads a string from its opening quote.
func (s *syntax) string() {
	start := s.at
	for s.at++; s.at < len(s.text); s.at++ {
		switch c := s.text[s.at]; {
		case c == '"':
			s.at++
			return
		case c == '\n':
			s.fail(start, "the text that begins here does not end in its line", `You: close it with a double quote, or write \n for a line break`)
			return
		case c < ' ':
			s.fail(s.at, fmt.Sprintf("a text has the control character %q", c), "You: write it as an escape, as \\t is for a tab")
			return
		case c == '\\':
			if !s.escape() {
				return
			}
		}
	}
	s.fail(start, "the text that begins here does not end", "You: close it with a double quote")
}

// half reports whether an escape u1234 is one half of a pair of UTF-16, and low
// whether it is the second.
func half(escape []byte) bool {
	return len(escape) >= 5 && (escape[1] == 'd' || escape[1] == 'D') && escape[2] >= '8'
}

func low(escape []byte) bool {
	digit := bytes.ToLower(escape[2:3])[0]
	return half(escape) && digit >= 'c' && digit <= 'f' && len(bytes.Trim(escape[1:5], "0123456789abcdefABCDEF")) == 0
}

// escape reads what follows a backslash, but for its last character.
func (s *syntax) escape() bool {
	start := s.at
	s.at++
	switch rest := s.text[s.at:]; {
	case len(rest) == 0:
		return true
	case rest[0] == 'u':
		if len(rest) < 5 || len(bytes.Trim(rest[1:5], "0123456789abcdefABCDEF")) > 0 {
			s.fail(start, `\u stands without its four hexadecimal digits`, `You: write a character as it is, or \\ for a backslash`)
			return false
		}
		if half(rest) && (low(rest) || len(rest) < 11 || rest[5] != '\\' || rest[6] != 'u' || !low(rest[6:])) {
			s.fail(start, `\`+string(rest[:5])+" is half of a character", "You: write the character as it is, or both halves of it")
			return false
		}
		if s.at += 4; half(rest) {
			s.at += 6
		}
	case strings.IndexByte(`"\/bfnrt`, rest[0]) < 0:
		r, _ := utf8.DecodeRune(rest)
		s.fail(start, fmt.Sprintf(`\%s is no escape of JSON's`, strings.Trim(fmt.Sprintf("%q", r), "'")), `You: write \\ for a backslash`)
		return false
	}
	return true
}
