package lint

import (
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// toDocument goes to the next place where a document can begin. What stands
// before it and is neither white space nor a comment is around the documents,
// not in them; so is a line with a brace, as of a command that has one.
func (r *reader) toDocument() {
	around := -1
	for r.at < len(r.source) && !r.opens() {
		line, _, _ := strings.Cut(r.source[r.at:min(len(r.source), r.at+500)], "\n")
		if !strings.Contains(line, "{") && r.commentBegins() {
			r.space()
			continue
		}
		c, size := utf8.DecodeRuneInString(r.rest())
		if around < 0 && !unicode.IsSpace(c) && !invisible(c) {
			around = r.at
		}
		if invisible(c) || unicode.IsSpace(c) && !strings.ContainsRune(" \t\r\n", c) {
			r.quirk("json-invisible", r.at, "an invisible character, "+codePoint(c))
		}
		r.at += size
	}
	if around < 0 {
		return
	}
	r.quirk("json-fence", around, "text around the document")
	for line := range strings.Lines(r.source[around:r.at]) {
		if line = strings.TrimSpace(line); line != "" && !strings.HasPrefix(line, "```") {
			r.around++
		}
	}
}

// commentBegins reports whether a comment begins here, outside of documents: what
// looks like one in the middle of a line is a part of an address or a sentence.
func (r *reader) commentBegins() bool {
	if !r.starts("//", "#", "--", "/*", "<!--") {
		return false
	}
	line := r.source[strings.LastIndexByte(r.source[:r.at], '\n')+1 : r.at]
	before, _ := utf8.DecodeLastRuneInString(strings.TrimSpace(line))
	return strings.TrimSpace(line) == "" || strings.ContainsRune("}];`", before)
}

// opens reports whether a document begins here: a brace before a member's name or
// its end, or a bracket before a brace.
func (r *reader) opens() bool {
	list := r.starts("[")
	if !list && !r.starts("{") {
		return false
	}
	after := r.source[r.at+1 : min(len(r.source), r.at+200)]
	after = strings.TrimLeftFunc(after, func(c rune) bool { return unicode.IsSpace(c) || invisible(c) })
	first, _ := utf8.DecodeRuneInString(after)
	if list {
		return first == '{'
	}
	return escapedStart.MatchString(r.source[r.at:min(len(r.source), r.at+200)]) || first == '}' || first == '#' || first == '/' || first == '-' || quoteOf(first) != 0 || unicode.IsLetter(first) && strings.Contains(after, ":")
}

// invisible reports whether a character looks like nothing or like a space.
func invisible(c rune) bool {
	return c == '\ufeff' || c == '\u00a0' || c == '\u200b' || c == '\u200c' || c == '\u200d' || c == '\u2060' || c == '\u202f' || c == '\u2028' || c == '\u2029'
}

// space skips white space and comments.
func (r *reader) space() {
	for r.at < len(r.source) {
		c, size := utf8.DecodeRuneInString(r.rest())
		switch {
		case strings.ContainsRune(" \t\r\n", c):
			r.at += size
		case invisible(c) || unicode.IsSpace(c):
			r.quirk("json-invisible", r.at, "an invisible character, "+codePoint(c))
			r.at += size
		case r.starts("//", "#", "--"):
			r.comment("\n", 0)
		case r.starts("/*"):
			r.comment("*/", 2)
		case r.starts("<!--"):
			r.comment("-->", 3)
		default:
			return
		}
	}
}

// codePoint writes a character as Unicode names it.
func codePoint(c rune) string {
	s := strconv.FormatInt(int64(c), 16)
	return "U+" + strings.Repeat("0", max(0, 4-len(s))) + strings.ToUpper(s)
}

// comment skips a comment up to its end, of which skip bytes belong to it.
func (r *reader) comment(end string, skip int) {
	start := r.at
	if i := strings.Index(r.rest(), end); i >= 0 {
		r.at += i + skip
	} else {
		r.at = len(r.source)
	}
	said := strings.TrimSpace(r.source[start:r.at])
	r.quirk("json-comment", start, "a comment: "+quote(said))
	r.doc.comments = append(r.doc.comments, comment{start, said})
}
