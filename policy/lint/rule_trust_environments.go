package lint

import (
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/rolecall/rolecall"
	"github.com/rolecall/rolecall/policy"
	"github.com/rolecall/rolecall/policy/internal/tree"
)

// What runs in staging is tested there first, and may read masters with a role
// that trusts it.
var trustEnvironments = rule{
	code: "trust-environments", severity: Warning, closes: true,
	title: "another environment of the vendor's is trusted too",
	kinds: []policy.Kind{policy.TrustDocument},
	check: func(p *pass) {
		for _, s := range p.allows() {
			principals := s.principals()
			twins := map[string][]principal{}
			var others []*tree.Node
			for _, who := range principals {
				arn, err := rolecall.ParseARN(who.Text)
				if who.kind != "AWS" || err != nil || p.kit() != nil && slices.Contains(p.kit().Principals, who.Text) {
					continue
				}
				why, guessed := p.otherEnvironment(who, arn)
				if why == "" && p.namedAlike(arn) {
					why = "the connection's worker of another account, " + who.Text + ","
				}
				if why != "" {
					others = append(others, who.Node)
					f := found{at: who.Node, message: why + " is trusted", hint: "remove it; give it a role and a bucket of its own if it needs one"}
					if len(others) < len(principals) && !guessed {
						f.hint = "remove it, as the corrected document does; give it a role and a bucket of its own if it needs one"
						f.fix = func() { s.removePrincipals(who.Node) }
					}
					p.report(f)
				} else if arn.Resource != "root" {
					twins[arn.Resource] = append(twins[arn.Resource], who)
				}
			}
			if len(others) > 0 || p.kit() != nil {
				continue
			}
			for _, same := range twins {
				if len(same) > 1 {
					p.report(found{
						at: same[1].Node, message: "the same role of " + plural(len(same), "account") + " is trusted, as of a production and a staging environment",
						hint: "ask the vendor which one does your work, and remove the others",
					})
				}
			}
		}
	},
}

// namedAlike reports whether a principal, which is not the connection's, is named like
// one that is.
func (p *pass) namedAlike(arn rolecall.ARN) bool {
	return p.kit() != nil && slices.ContainsFunc(p.kit().Principals, func(own string) bool {
		worker, err := rolecall.ParseARN(own)
		return err == nil && worker.Service == arn.Service && worker.Resource == arn.Resource && arn.Resource != "root"
	})
}

var environmentForm = regexp.MustCompile(`(?i)(^|[^a-z])(stage|staging|test|tests|testing|dev|devel|development|qa|uat|sandbox|preprod|pre-production|non-?prod)([^a-z]|$)`)

// besideAnother reports whether a principal stands in a list with others of its
// account, which show whose environment it is.
func (p *pass) besideAnother(who principal, arn rolecall.ARN) bool {
	for _, m := range who.owner.Members {
		for _, v := range m.Value.Each() {
			other, err := rolecall.ParseARN(v.Text)
			if err == nil && v != who.Node && other.Account == arn.Account && m.Name == who.kind {
				return true
			}
		}
	}
	return false
}

// otherEnvironment names the environment of a principal that is not the
// connection's, or returns nothing. A comment may speak of something else, and a
// name, where it is not known who the vendor is: these are guesses.
func (p *pass) otherEnvironment(who principal, arn rolecall.ARN) (name string, guessed bool) {
	if slices.Contains(p.options.Others, who.Text) {
		return "a worker of the vendor's that does not work for this connection, " + who.Text + ",", false
	}
	if p.kit() != nil && !p.ofVendor(who.Text) {
		return "", false // whose people these are is their own to say
	}
	if name := environmentForm.FindString(arn.Resource); name != "" {
		return "what its name calls a " + strings.ToLower(strings.Trim(name, "/-_+=,.@:")) + " environment", p.kit() == nil && !p.besideAnother(who, arn)
	}
	for _, c := range p.comments {
		if who.At >= 0 && c.at > who.At && p.sameLine(who.At, c.at) && environmentForm.MatchString(c.text) {
			return "what the comment calls " + quote(strings.TrimSpace(strings.TrimLeft(c.text, "-/#* "))), true
		}
	}
	return "", false
}

func plural(n int, noun string) string {
	if n != 1 {
		noun += "s"
	}
	return strconv.Itoa(n) + " " + noun
}
