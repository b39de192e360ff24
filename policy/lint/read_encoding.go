package lint

import (
	"encoding/binary"
	"encoding/json"
	"html"
	"net/url"
	"regexp"
	"strings"
	"unicode/utf16"
)

// decode undoes what programs do to a text on its way: UTF-16 of editors and
// shells, the percent signs of IAM's answers, the entities of web pages, and
// the string literals of programs and logs. It says what it undid, or nothing.
func decode(source string) (text, encoding string) {
	if plain, ok := fromUTF16(source); ok {
		source, encoding = plain, "the text is UTF-16, and AWS reads UTF-8"
	}
	switch start := strings.TrimLeft(source, " \t\r\n\ufeff"); {
	case begins(start, "%7B", "%7b", "%5B%7B", "%5b%7b"):
		if plain, err := url.PathUnescape(start); err == nil {
			return plain, "the text is URL-encoded"
		}
	case quoteEntity.MatchString(start):
		return html.UnescapeString(start), "quotes are written as in HTML: &quot;"
	case begins(start, `"`):
		if plain, ok := fromLiteral(start); ok {
			return plain, "the document is written as a string"
		}
	case begins(start, `{\"`, `{\n`, `{ \"`):
		if plain, ok := fromLiteral(`"` + strings.TrimSpace(start) + `"`); ok {
			return plain, "quotes are escaped, as in a string of a program"
		}
	}
	return source, encoding
}

// quoteEntity is how a document begins on a web page.
var quoteEntity = regexp.MustCompile(`\{\s*&(?:quot|#34|#x22);`)

func begins(s string, with ...string) bool {
	for _, w := range with {
		if strings.HasPrefix(s, w) {
			return true
		}
	}
	return false
}

// fromLiteral reads a JSON string that contains a document.
func fromLiteral(literal string) (string, bool) {
	var plain string
	if json.Unmarshal([]byte(literal), &plain) != nil {
		return "", false
	}
	return plain, strings.HasPrefix(strings.TrimSpace(plain), "{")
}

// fromUTF16 reads UTF-16 of either order, known by its mark or by the zeros
// next to the first character.
func fromUTF16(source string) (string, bool) {
	var order binary.ByteOrder
	switch {
	case len(source) < 4:
		return "", false
	case begins(source, "\xff\xfe") || source[0] != 0 && source[1] == 0 && source[3] == 0:
		order = binary.LittleEndian
	case begins(source, "\xfe\xff") || source[0] == 0 && source[1] != 0 && source[2] == 0:
		order = binary.BigEndian
	default:
		return "", false
	}
	units := make([]uint16, len(source)/2)
	for i := range units {
		units[i] = order.Uint16([]byte(source[2*i : 2*i+2]))
	}
	return strings.TrimPrefix(string(utf16.Decode(units)), "\ufeff"), true
}
