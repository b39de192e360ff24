package policy

import (
	"cmp"
	"strings"
)

// arnPattern matches ARNs part by part, so that a wildcard does not reach over
// the colons that part an ARN; within the sixth part, the resource, it does.
type arnPattern struct {
	parts      []pattern // nil: "*", which matches anything
	malformed  bool      // matches nothing
	incomplete bool      // matches nothing but in a policy that AWS completes
	variables  bool      // some part has variables
}

// compileARN compiles a Resource or the value of an ARN condition.
//
// "If the * wildcard is the last
// character of a resource ARN segment, it can expand to match beyond the colon
// boundaries": so a Resource with fewer than six parts is whole if it ends in
// a star, as arn:aws:s3:* does, and else incomplete.
// reference_policies_elements_resource.html
func compileARN(text string, s syntax) arnPattern {
	if text == "*" {
		return arnPattern{}
	}
	whole := compile(text, s)
	a := arnPattern{parts: splitParts(whole), variables: whole.variables}
	if len(a.parts) < 6 {
		last := a.parts[len(a.parts)-1].tokens
		a.incomplete = len(last) == 0 || last[len(last)-1].kind != star
	}
	return a
}

// completes reports whether AWS completes an ARN with fewer than six parts in
// policies of the layer, by a star for each that is missing.
// reference-arns.html
func completes(layer Layer) bool { return layer == Identity || layer == Boundary }

// compileResource compiles a value of Resource or NotResource, where variables
// are for the sixth part only. reference_policies_variables.html
func compileResource(text string, modern bool) arnPattern {
	a := compileARN(text, syntax{wildcards: true, variables: modern})
	for _, part := range a.parts[:min(len(a.parts), 5)] {
		a.malformed = a.malformed || part.variables
	}
	return a
}

// typeIsWild reports whether a resource of IAM's has a wildcard in its type, the
// part before the slash; a star by itself is every type. Other services' ARNs
// need not have a type.
// reference_identifiers.html#identifiers-arns and reference-arns.html#arns-paths-wildcards
func typeIsWild(text string) bool {
	arn := cutARN(text)
	kind, _, _ := strings.Cut(arn.part[5], "/")
	return arn.count == 6 && arn.part[2] == "iam" && arn.part[5] != "*" && strings.ContainsAny(kind, "*?")
}

// splitParts cuts a pattern at the first five colons of its literals. The parts
// share one array of tokens.
func splitParts(p pattern) []pattern {
	parts := make([]pattern, 1, 6)
	tokens := make([]token, 0, len(p.tokens)+5) // a colon makes two of a literal
	from := 0
	end := func() {
		parts[len(parts)-1].tokens = tokens[from:len(tokens):len(tokens)]
		from = len(tokens)
	}
	for _, t := range p.tokens {
		if t.kind == variable {
			parts[len(parts)-1].variables = true
		}
		if t.kind != literal {
			tokens = append(tokens, t)
			continue
		}
		rest := t.text
		for len(parts) < 6 {
			before, after, found := strings.Cut(rest, ":")
			if !found {
				break
			}
			if before != "" {
				tokens = append(tokens, token{kind: literal, text: before})
			}
			end()
			parts = append(parts, pattern{})
			rest = after
		}
		if rest != "" {
			tokens = append(tokens, token{kind: literal, text: rest})
		}
	}
	end()
	return parts
}

// arnParts is an ARN cut at its first five colons, or a text with fewer.
type arnParts struct {
	part  [6]string
	count int
	every bool // the resource is every one of its service, whatever part[5] says
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

// resolve puts the request's values in the place of variables. It is false
// when one has no value.
func (a *arnPattern) resolve(r *request) (arnPattern, bool) {
	if !a.variables {
		return *a, true
	}
	out := arnPattern{parts: make([]pattern, len(a.parts)), malformed: a.malformed, incomplete: a.incomplete}
	for i := range a.parts {
		var ok bool
		if out.parts[i], ok = a.parts[i].resolve(r); !ok {
			return arnPattern{}, false
		}
	}
	return out, true
}

// matches reports whether the ARN matches, with case. The pattern must be
// resolved. One with fewer than six parts leaves the rest of the ARN open.
func (a *arnPattern) matches(b *budget, arn *arnParts) bool {
	if a.malformed || a.parts != nil && arn.count < 6 {
		return false
	}
	for i := range a.parts {
		if i == 5 && arn.every {
			return a.parts[5].isStar()
		}
		if !a.parts[i].match(b, arn.part[i], false) {
			return false
		}
	}
	return true
}

// serviceARN returns what the Resource of a policy is compared with for a
// request. An action of S3's on no bucket, such as s3:ListAllMyBuckets, is asked
// on "*", and a policy may allow it on arn:aws:s3:::*.
// reference_policies_examples_s3_home-directory-console.html
func serviceARN(in Request, partition string) arnParts {
	if in.Resource != "*" || !hasPrefix(in.Action, "s3:", true) {
		return cutARN(in.Resource)
	}
	return arnParts{part: [6]string{"arn", cmp.Or(partition, "aws"), "s3"}, count: 6, every: true}
}
