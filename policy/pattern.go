package policy

import (
	"slices"
	"strings"
)

// tokenKind is what a token of a pattern matches.
type tokenKind byte

const (
	literal  tokenKind = iota // its text
	star                      // any run of characters, the empty one too
	question                  // exactly count characters
	variable                  // the value of a condition key, or the default
)

// token is a piece of a pattern. For a variable, text is the folded key.
type token struct {
	kind        tokenKind
	text        string
	count       int
	fallback    string
	hasFallback bool
}

// pattern is a compiled string of a policy: literals, wildcards, variables.
type pattern struct {
	tokens    []token
	variables bool // some token is a variable
}

// syntax says what is special in a string of a policy.
type syntax struct {
	wildcards bool // * and ?
	variables bool // ${key}, ${key, 'default'}, ${*}, ${?}, ${$}
}

// compile cuts text into tokens. A "${" that no "}" closes is plain text.
//
// Key names are not case-sensitive; default values and escapes are literal.
// reference_policies_variables.html
func compile(text string, s syntax) pattern {
	p := pattern{tokens: make([]token, 0, 1+2*room(text, s))}
	from := 0 // where the plain text begins that is not a token yet
	literals := func(end int) {
		p.addLiteral(text[from:end])
	}
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case s.wildcards && c == '*':
			literals(i)
			from = i + 1
			if n := len(p.tokens); n == 0 || p.tokens[n-1].kind != star {
				p.tokens = append(p.tokens, token{kind: star})
			}
		case s.wildcards && c == '?':
			literals(i)
			from = i + 1
			// *? is ?*, which needs no search.
			at := len(p.tokens)
			if at > 0 && p.tokens[at-1].kind == star {
				at--
			}
			if at > 0 && p.tokens[at-1].kind == question {
				p.tokens[at-1].count++
			} else {
				p.tokens = slices.Insert(p.tokens, at, token{kind: question, count: 1})
			}
		case s.variables && strings.HasPrefix(text[i:], "${"):
			end := strings.IndexByte(text[i:], '}')
			if end < 0 {
				continue
			}
			literals(i)
			inside := text[i+2 : i+end]
			i += end
			from = i + 1
			if inside == "*" || inside == "?" || inside == "$" {
				p.addLiteral(inside)
				continue
			}
			p.tokens = append(p.tokens, compileVariable(inside))
			p.variables = true
		}
	}
	literals(len(text))
	return p
}

// room returns how many characters of text may be special, as room for tokens.
func room(text string, s syntax) int {
	n := 0
	if s.wildcards {
		n = strings.Count(text, "*") + strings.Count(text, "?")
	}
	if s.variables {
		n += strings.Count(text, "${")
	}
	return n
}

// addLiteral adds plain text: an escape is one with the text around it.
func (p *pattern) addLiteral(text string) {
	switch last := len(p.tokens) - 1; {
	case text == "":
	case last >= 0 && p.tokens[last].kind == literal:
		p.tokens[last].text += text
	default:
		p.tokens = append(p.tokens, token{kind: literal, text: text})
	}
}

// compileVariable reads what stands between the braces: a key, or a key, a
// comma and a space, and a default in single quotes.
func compileVariable(inside string) token {
	key, rest, found := strings.Cut(inside, ", ")
	t := token{kind: variable, text: foldKey(key)}
	if found && len(rest) >= 2 && rest[0] == '\'' && rest[len(rest)-1] == '\'' {
		t.fallback, t.hasFallback = rest[1:len(rest)-1], true
	}
	return t
}

// resolve puts the request's values in the place of variables, as literals:
// a wildcard within a value matches only itself. It is false when a variable
// has neither one value nor a default.
func (p pattern) resolve(r *request) (pattern, bool) {
	if !p.variables {
		return p, true
	}
	out := pattern{tokens: make([]token, len(p.tokens))}
	r.budget.spend(len(p.tokens))
	for i, t := range p.tokens {
		if t.kind == variable {
			values := r.values(t.text)
			switch {
			case len(values) == 1 && !multivalued(t.text):
				t = token{kind: literal, text: values[0]}
			case len(values) == 0 && t.hasFallback:
				t = token{kind: literal, text: t.fallback}
			default:
				return pattern{}, false
			}
		}
		out.tokens[i] = t
	}
	return out, true
}

// isStar reports whether the pattern is a star.
func (p pattern) isStar() bool { return len(p.tokens) == 1 && p.tokens[0].kind == star }

// match reports whether the whole of s matches. The pattern must be resolved.
//
// The ends are compared where they stand; between two stars each run of tokens
// takes the first place it fits, and no other need be tried.
func (p pattern) match(b *budget, s string, fold bool) bool {
	if len(p.tokens) == 1 && p.tokens[0].kind == literal && !fold {
		return s == p.tokens[0].text
	}
	head := p.tokens[:untilStar(p.tokens)]
	s, ok := take(b, head, s, fold)
	if len(head) == len(p.tokens) {
		return ok && s == ""
	}
	rest := p.tokens[len(head):]
	for ok && rest[len(rest)-1].kind != star {
		s, ok = takeLast(b, &rest[len(rest)-1], s, fold)
		rest = rest[:len(rest)-1]
	}
	for ok && len(rest) > 1 {
		run := rest[1 : 1+untilStar(rest[1:])]
		s, ok = find(b, run, s, fold)
		rest = rest[1+len(run):]
	}
	return ok
}

// untilStar is how many tokens stand before the first star.
func untilStar(tokens []token) int {
	for i := range tokens {
		if tokens[i].kind == star {
			return i
		}
	}
	return len(tokens)
}

// take returns what of s follows the tokens, which must stand at its front.
func take(b *budget, tokens []token, s string, fold bool) (string, bool) {
	for i := range tokens {
		t := &tokens[i]
		b.spend(len(t.text) + 16*t.count)
		if t.kind != question {
			if !hasPrefix(s, t.text, fold) {
				return s, false
			}
			s = s[len(t.text):]
			continue
		}
		for range t.count {
			if s == "" {
				return s, false
			}
			s = s[runeLen(s):]
		}
	}
	return s, true
}

// takeLast returns what of s stands before the token, which must stand at its end.
func takeLast(b *budget, t *token, s string, fold bool) (string, bool) {
	b.spend(len(t.text) + 16*t.count)
	for range t.count {
		if s == "" {
			return s, false
		}
		s = s[:len(s)-lastRuneLen(s)]
	}
	n := len(s) - len(t.text)
	if n < 0 || !hasPrefix(s[n:], t.text, fold) {
		return s, false
	}
	return s[:n], true
}

// find returns what of s follows the first place where the tokens fit.
func find(b *budget, tokens []token, s string, fold bool) (string, bool) {
	for !b.spent() {
		if first := &tokens[0]; first.kind == literal && !fold {
			at := strings.Index(s, first.text)
			if at < 0 {
				b.spend(len(s))
				return s, false
			}
			b.spend(at)
			s = s[at:]
		}
		if rest, ok := take(b, tokens, s, fold); ok {
			return rest, true
		}
		if s == "" {
			break
		}
		s = s[1:]
	}
	return s, false
}

// runeLen is the length in bytes of the first character of s.
func runeLen(s string) int {
	if s == "" {
		return 0
	}
	n := 1
	for n < len(s) && n < 4 && s[n]&0xC0 == 0x80 {
		n++
	}
	return n
}

// lastRuneLen is the length in bytes of the last character of s.
func lastRuneLen(s string) int {
	n := 0
	for n < len(s) && n < 4 {
		n++
		if s[len(s)-n]&0xC0 != 0x80 {
			break
		}
	}
	return n
}

func hasPrefix(s, prefix string, fold bool) bool {
	if len(s) < len(prefix) {
		return false
	}
	if !fold {
		return s[:len(prefix)] == prefix
	}
	return equalFold(s[:len(prefix)], prefix)
}

// equalFold compares without ASCII case. Actions are ASCII; Unicode folding
// would let other letters stand for theirs.
func equalFold(a, b string) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range len(a) {
		if lower(a[i]) != lower(b[i]) {
			return false
		}
	}
	return true
}

func lower(c byte) byte {
	if 'A' <= c && c <= 'Z' {
		return c + 'a' - 'A'
	}
	return c
}
