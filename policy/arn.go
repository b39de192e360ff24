package policy

import "strings"

// arnPattern matches ARNs part by part, so that a wildcard does not reach over
// the colons that part an ARN; within the sixth part, the resource, it does.
type arnPattern struct {
	parts     []pattern // nil: "*", which matches anything
	malformed bool      // matches nothing
}

// compileARN compiles a Resource or the value of an ARN condition.
//
// Variables are for the sixth part only. "If the * wildcard is the last
// character of a resource ARN segment, it can expand to match beyond the colon
// boundaries": so a Resource with fewer than six parts is whole if it ends in
// a star, as arn:aws:s3:* does, and else malformed.
// reference_policies_elements_resource.html, reference_policies_variables.html
func compileARN(text string, s syntax) arnPattern {
	if text == "*" {
		return arnPattern{}
	}
	a := arnPattern{parts: splitParts(compile(text, s))}
	if len(a.parts) < 6 {
		last := a.parts[len(a.parts)-1].tokens
		a.malformed = len(last) == 0 || last[len(last)-1].kind != star
	}
	for _, part := range a.parts[:min(len(a.parts), 5)] {
		a.malformed = a.malformed || part.variables
	}
	return a
}

// splitParts cuts a pattern at the first five colons of its literals.
func splitParts(p pattern) []pattern {
	parts := make([]pattern, 1, 6)
	add := func(t token) {
		last := &parts[len(parts)-1]
		last.tokens = append(last.tokens, t)
		last.variables = last.variables || t.kind == variable
	}
	for _, t := range p.tokens {
		if t.kind != literal {
			add(t)
			continue
		}
		rest := t.text
		for len(parts) < 6 {
			before, after, found := strings.Cut(rest, ":")
			if !found {
				break
			}
			if before != "" {
				add(token{kind: literal, text: before})
			}
			parts = append(parts, pattern{})
			rest = after
		}
		if rest != "" {
			add(token{kind: literal, text: rest})
		}
	}
	return parts
}

// arnParts is an ARN cut at its first five colons, or a text with fewer.
type arnParts struct {
	part  [6]string
	count int
}

func cutARN(text string) arnParts {
	var a arnParts
	for a.count < 5 {
		before, after, found := strings.Cut(text, ":")
		if !found {
			break
		}
		a.part[a.count], text = before, after
		a.count++
	}
	a.part[a.count] = text
	a.count++
	return a
}

// matches tells whether the ARN matches, with case. A pattern with fewer than
// six parts leaves the rest of the ARN open. A variable without a value
// matches nothing.
func (a *arnPattern) matches(r *request, arn *arnParts) bool {
	if a.malformed || a.parts != nil && arn.count < 6 {
		return false
	}
	for i := range a.parts {
		p := a.parts[i]
		if p.variables {
			var ok bool
			if p, ok = p.resolve(r); !ok {
				return false
			}
		}
		if !p.match(arn.part[i], false) {
			return false
		}
	}
	return true
}
