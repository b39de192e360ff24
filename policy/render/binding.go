package render

import (
	"slices"
	"strings"

	"github.com/rolecall/rolecall/policy"
)

// binding says how a format writes the values that are parameters in it.
type binding struct {
	externalIDs func([]string) any
	principal   func(n int) any         // the n-th of the workers
	role        func(prefix string) any // the role's name, after the rest of its ARN
	keyARN      any
	inBucket    func(rest string) any // the bucket's ARN, and what follows it
}

// bind puts parameters in the place of the connection's values, wherever they
// stand in a document. A value that would have to be taken apart to find them
// stays as it is.
func (p *plan) bind(tree any, to binding) any {
	bucket := "arn:" + p.role.Partition + ":s3:::" + p.Request.Connection.Bucket
	return replace(tree, "", func(name string, value any) (any, bool) {
		switch {
		case name == "sts:ExternalId" && p.boundIDs(value):
			return to.externalIDs(words(value)), true
		case name == "AWS" && p.boundPrincipals(value):
			return to.principal(slices.Index(p.principals(), words(value)[0])), true
		}
		text, ok := value.(string)
		switch {
		case !ok:
		case name == "aws:PrincipalArn" && unescaped.Replace(text) == p.role.String():
			return to.role(strings.TrimSuffix(text, nameOf(p.role))), true
		case p.key.Resource != "" && text == p.key.String():
			return to.keyARN, true
		case text == bucket || strings.HasPrefix(text, bucket+"/"):
			return to.inBucket(text[len(bucket):]), true
		}
		return nil, false
	})
}

// unescaped undoes the escapes in a pattern that was made of a text.
var unescaped = strings.NewReplacer("${*}", "*", "${?}", "?", "${$}", "$")

func (p *plan) boundIDs(value any) bool {
	given := words(value)
	return len(given) > 0 && slices.Equal(given, distinct(p.Request.ExternalIDs))
}

// boundPrincipals is false where the trust policy names accounts: those would
// have to change with the principals.
func (p *plan) boundPrincipals(value any) bool {
	given := words(value)
	return p.Request.Form != policy.ByAccount && len(given) == 1 && slices.Contains(p.principals(), given[0])
}

// principals are the workers' ARNs, each once.
func (p *plan) principals() []string { return distinct(p.Request.Principals) }

func distinct(all []string) []string {
	var out []string
	for _, s := range all {
		if !slices.Contains(out, s) {
			out = append(out, s)
		}
	}
	return out
}
