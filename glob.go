package rolecall

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/rolecall/rolecall/internal/strict"
)

// Pattern is a compiled entry of `files`.
type Pattern struct {
	text string
	re   *regexp.Regexp
}

// CompilePattern reads an entry of `files`, a path relative to the location:
// `?` is one character and `*` any number of them within a name, `**` any
// number across slashes, and `**/` at the beginning of a name also none. All
// else is literal; there is no escape.
func CompilePattern(s string) (Pattern, error) {
	if err := validateFile(s); err != nil {
		return Pattern{}, err
	}
	return compilePattern(s)
}

// CompileExclusion reads an entry of `exclude`, which is like one of `files`. It
// may also name keys that can be no files, such as a//b or a/../b, and with a
// slash at its end it names all below.
func CompileExclusion(s string) (Pattern, error) {
	if s == "" {
		return Pattern{}, &Error{Code: Invalid, Message: "the name is empty", Hint: "You: name what is left out, relative to the location, such as clip.mov, tmp/ or **/*.tmp"}
	}
	if err := validateKey(s); err != nil {
		return Pattern{}, err
	}
	if strings.HasSuffix(s, "/") {
		s += "**"
	}
	return compilePattern(s)
}

func compilePattern(s string) (Pattern, error) {
	if strings.Count(s, "*")+strings.Count(s, "?") > MaxStars {
		return Pattern{}, &Error{Code: Invalid, Message: fmt.Sprintf("%s has more than %d wildcards", strict.Quote(s), MaxStars)}
	}
	var b strings.Builder
	b.WriteString(`(?s)\A`)
	for rest := s; rest != ""; {
		atStart := len(rest) == len(s) || s[len(s)-len(rest)-1] == '/'
		switch {
		case atStart && strings.HasPrefix(rest, "**/"):
			b.WriteString(`(?:.*/)?`)
			rest = rest[3:]
		case strings.HasPrefix(rest, "**"):
			b.WriteString(`.*`)
			rest = strings.TrimLeft(rest, "*")
		case rest[0] == '*':
			b.WriteString(`[^/]*`)
			rest = rest[1:]
		case rest[0] == '?':
			b.WriteString(`[^/]`)
			rest = rest[1:]
		default:
			n := strings.IndexAny(rest, "*?")
			if n < 0 {
				n = len(rest)
			}
			b.WriteString(regexp.QuoteMeta(rest[:n]))
			rest = rest[n:]
		}
	}
	b.WriteString(`\z`)
	re, err := regexp.Compile(b.String())
	if err != nil {
		return Pattern{}, &Error{Code: Invalid, Message: strict.Quote(s) + " is not a pattern", Err: err}
	}
	return Pattern{text: s, re: re}, nil
}

// String returns the pattern as it was written.
func (p Pattern) String() string { return p.text }

// Match reports whether a relative name with slashes matches.
func (p Pattern) Match(name string) bool { return p.re.MatchString(name) }

// Literal reports whether the pattern has no wildcards and so names one file.
func (p Pattern) Literal() bool { return !strings.ContainsAny(p.text, "*?") }

// Prefix returns the part before the first wildcard: every matching name
// begins with it.
func (p Pattern) Prefix() string {
	if i := strings.IndexAny(p.text, "*?"); i >= 0 {
		return p.text[:i]
	}
	return p.text
}

// validateFile checks an entry of `files`: a relative path or pattern that
// stays inside.
func validateFile(s string) error {
	hint := "You: write a path relative to the location, such as clip.mov, *.mov or **/*.mov"
	if s == "" {
		return &Error{Code: Invalid, Message: "the name is empty", Hint: hint}
	}
	if strings.HasPrefix(s, "/") {
		return &Error{Code: Invalid, Message: strict.Quote(s) + " is absolute", Hint: hint}
	}
	if strings.HasSuffix(s, "/") {
		return &Error{Code: Invalid, Message: strict.Quote(s) + " names a directory", Hint: "You: write " + strict.Quote(s+"**")}
	}
	for _, part := range strings.Split(s, "/") {
		if part == ".." || part == "." || part == "" {
			return &Error{Code: Invalid, Message: strict.Quote(s) + " has an empty part or a part . or ..", Hint: hint}
		}
	}
	return validateKey(s)
}
