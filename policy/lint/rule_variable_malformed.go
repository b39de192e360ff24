package lint

import (
	"regexp"
	"strings"

	"github.com/rolecall/rolecall/policy/internal/tree"
)

// A variable that is not written as IAM reads it is text, or never has a value.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_variables.html
var variableMalformed = rule{
	code: "variable-malformed", severity: Error,
	title: "a variable is not written as one, or stands where none works",
	check: func(p *pass) {
		for _, s := range p.statements {
			for _, element := range []string{"Resource", "NotResource"} {
				for _, r := range s.Get(element).Each() {
					p.variables(r)
				}
			}
			for _, c := range s.conditions() {
				works := arnOperator(c.base())
				for _, v := range c.values.Each() {
					switch {
					case works:
						p.variables(v)
					case strings.Contains(v.Text, "${"):
						p.report(found{
							at: v, message: c.operator + " takes no variables, so " + quote(v.Text) + " never has a value",
							hint: "write the value itself; variables work in Resource and under String and Arn operators",
						})
					}
				}
			}
		}
	},
}

func (p *pass) variables(n *tree.Node) {
	message, hint := variableFault(n.Text)
	if m := keyless.FindString(n.Text); m != "" && message == "" && p.inside.pointer == "" {
		// Inside of a template it is the template's.
		message, hint = quote(m)+" is no variable of AWS's, so it never has a value", "${aws:username}"
	}
	if message != "" {
		p.report(found{at: n, message: message, hint: "write it as " + hint})
	}
}

// keyless is a variable that names no condition key: one of a template.
var keyless = regexp.MustCompile(`\$\{[A-Za-z][\w.-]*\}`)

// unopened is a variable without its opening brace.
var unopened = regexp.MustCompile(`\$([a-zA-Z0-9-]+:[\w/.:=@-]+)\}`)

// variableFault says what is wrong with the first variable of a text that is
// not written right, and how one is written.
func variableFault(text string) (message, hint string) {
	if m := unopened.FindStringSubmatch(text); m != nil {
		return quote(m[0]) + " lacks the opening brace of a variable", "${" + m[1] + "}"
	}
	for {
		_, after, found := strings.Cut(text, "${")
		if !found {
			return "", ""
		}
		inside, rest, closed := strings.Cut(after, "}")
		if !closed {
			return quote("${"+after) + " is a variable without its closing brace", "${aws:username}"
		}
		name, value, defaulted := strings.Cut(inside, ",")
		inner, spaced := strings.CutPrefix(value, " '")
		switch whole := quote("${" + inside + "}"); {
		case strings.TrimSpace(name) == "":
			return whole + " names no key", "${aws:username}"
		case strings.ContainsAny(name, " \t"):
			return whole + " has a space in its name, and none is a part of a key's name", "${" + strings.Join(strings.Fields(name), "") + "}"
		case defaulted && (!spaced || !strings.HasSuffix(inner, "'")):
			return whole + " has a default that is not in single quotes after a comma and a space", "${" + name + ", 'text'}"
		}
		text = rest
	}
}
