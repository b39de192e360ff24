package rolecall

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/rolecall/rolecall/internal/strict"
)

// Pattern is a compiled entry of `files` or `exclude`.
type Pattern struct {
	text    string
	prefix  string // before the first wildcard
	literal bool
	re      *regexp.Regexp
}

// CompilePattern reads an entry of `files`, a path relative to the location:
// `?` is one character and `*` any number of them within a name, `**` any
// number across slashes, and `**/` at the beginning of a name also none. All
// else is literal; there is no escape.
func CompilePattern(s string) (Pattern, error) {
	if err := validateFile(s); err != nil {
		return Pattern{}, err
	}
	return compilePattern(s, s, "")
}

// CompileExclusion reads an entry of `exclude`, which is like one of `files`. It
// may also name keys that can be no files, such as a//b or a/../b, and with a
// slash at its end it names all below. A backslash takes the meaning from `*`,
// `?` or a backslash after it, and stands before nothing else.
func CompileExclusion(s string) (Pattern, error) {
	if s == "" {
		return Pattern{}, &Error{Code: Invalid, Message: "the name is empty", Hint: "You: name what is left out, relative to the location, such as clip.mov, tmp/ or **/*.tmp"}
	}
	if err := validateKey(unescaped.Replace(s)); err != nil {
		return Pattern{}, err
	}
	if strings.Contains(escaped.ReplaceAllString(s, ""), `\`) {
		return Pattern{}, &Error{
			Code: Invalid, Message: strict.Quote(s) + ` has a backslash that is not before *, ? or a backslash`,
			Hint: `You: write two backslashes for one that is part of the key; JSON doubles each of them again`,
		}
	}
	full := s
	if strings.HasSuffix(s, "/") {
		full += "**"
	}
	return compilePattern(s, full, `\`)
}

var (
	escaped   = regexp.MustCompile(`\\[*?\\]`)
	unescaped = strings.NewReplacer(`\*`, "*", `\?`, "?", `\\`, `\`)
)

// ExclusionOf returns an entry of `exclude` that names the key alone.
func ExclusionOf(key string) string {
	return strings.NewReplacer("*", `\*`, "?", `\?`, `\`, `\\`).Replace(key)
}

// compilePattern compiles a pattern that was written as text. Escape is empty, or
// the character that takes the meaning from the next one.
func compilePattern(text, s, escape string) (Pattern, error) {
	p := Pattern{text: text, literal: true}
	var b strings.Builder
	b.WriteString(`(?s)\A`)
	wildcards := 0
	for rest := s; rest != ""; {
		atStart := len(rest) == len(s) || s[len(s)-len(rest)-1] == '/'
		expression, n := "", 0
		switch {
		case atStart && strings.HasPrefix(rest, "**/"):
			expression, n = `(?:.*/)?`, 3
		case strings.HasPrefix(rest, "**"):
			expression, n = `.*`, len(rest)-len(strings.TrimLeft(rest, "*"))
		case rest[0] == '*':
			expression, n = `[^/]*`, 1
		case rest[0] == '?':
			expression, n = `[^/]`, 1
		default:
			if n = strings.IndexAny(rest, "*?"+escape); n < 0 {
				n = len(rest)
			}
			name := rest[:n]
			if n == 0 { // an escape
				name, n = rest[1:2], 2
			}
			b.WriteString(regexp.QuoteMeta(name))
			if p.literal {
				p.prefix += name
			}
			rest = rest[n:]
			continue
		}
		p.literal = false
		wildcards += strings.Count(rest[:n], "*") + strings.Count(rest[:n], "?")
		b.WriteString(expression)
		rest = rest[n:]
	}
	if wildcards > MaxStars {
		return Pattern{}, &Error{Code: Invalid, Message: fmt.Sprintf("%s has more than %d wildcards", strict.Quote(text), MaxStars)}
	}
	b.WriteString(`\z`)
	var err error
	if p.re, err = regexp.Compile(b.String()); err != nil {
		return Pattern{}, &Error{Code: Invalid, Message: strict.Quote(text) + " is not a pattern", Err: err}
	}
	return p, nil
}

// String returns the pattern as it was written.
func (p Pattern) String() string { return p.text }

// Match reports whether a relative name with slashes matches.
func (p Pattern) Match(name string) bool { return p.re.MatchString(name) }

// Literal reports whether the pattern has no wildcards and so names one file,
// its Prefix.
func (p Pattern) Literal() bool { return p.literal }

// Prefix returns the part before the first wildcard: every matching name
// begins with it.
func (p Pattern) Prefix() string { return p.prefix }

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
