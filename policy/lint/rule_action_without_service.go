package lint

import (
	"strings"

	"github.com/rolecall/rolecall/internal/strict"
	"github.com/rolecall/rolecall/policy/internal/tree"
)

// An action is a service's prefix, a colon and a name.
var actionWithoutService = rule{
	code: "action-without-service", severity: Error,
	title: "an action lacks the service in front",
	check: func(p *pass) {
		for _, s := range p.statements {
			for _, a := range s.actions() {
				if p.full() || a.Kind != '"' || a.Text == "*" || strings.Contains(a.Text, ":") {
					continue
				}
				f := found{at: a, message: quote(a.Text) + " has no service in front, and IAM refuses the document", hint: "write s3:" + a.Text + ", or put its own service before it"}
				if name := actionNamed(a.Text); name != "" {
					f.hint = "write " + name + ", if that is meant"
					f.widens = true
					f.fix = func() { a.Become(tree.Text(name)) }
				}
				p.report(f)
			}
		}
	},
}

// actionNamed returns the action of that name, or of the nearest, that a service
// has; S3 comes first.
func actionNamed(name string) string {
	name = strings.Trim(name, ". ")
	for _, service := range []string{"s3", "kms", "sts", "iam"} {
		if i := strings.Index(strings.ToLower(name), service+"."); i == 0 {
			name = name[len(service)+1:]
		}
		if a := exact(service + ":" + name); a != nil {
			return a.name
		}
		if s3Operations[strings.ToLower(name)] != "" && service == "s3" {
			return "s3:" + s3Operations[strings.ToLower(name)]
		}
	}
	return strict.Nearest("s3:"+name, catalog().names["s3"])
}
