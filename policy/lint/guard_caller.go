package lint

import (
	"regexp"
	"slices"
	"strings"

	"github.com/rolecall/rolecall"
	"github.com/rolecall/rolecall/policy"
	"github.com/rolecall/rolecall/policy/internal/tree"
)

// callers returns the principals that a statement is for.
func (g *guard) callers(s *statement, was, is *side) []string {
	switch role := "arn:aws:iam::111122223333:role/" + sampleText; {
	case g.kind == policy.PermissionsDocument && g.options.Kit != nil:
		return []string{g.options.Kit.Connection.RoleARN}
	case g.kind == policy.WorkerDocument && g.options.Kit != nil && len(g.options.Kit.Principals) > 0:
		return g.options.Kit.Principals[:1]
	case !g.resourceKind():
		return []string{role}
	}
	set := newSet()
	open := s.Get("NotPrincipal") != nil
	accounts := map[string]bool{}
	for _, who := range s.principals() {
		open = open || who.anyone()
		accounts[accountOf(who)] = true
		set.add(callersNamed(who)...)
	}
	delete(accounts, "")
	if open {
		set.add("*", stranger)
		set.add(servicesLike(s)...)
	}
	for _, who := range g.named(was, is) {
		if open || accounts[accountIn(who)] {
			set.add(who)
		}
	}
	return slices.DeleteFunc(set.values, func(who string) bool { return who == "" })
}

// named returns the principals that the documents name anywhere, and the connection's.
func (g *guard) named(was, is *side) []string {
	set := newSet()
	if g.options.Kit != nil {
		set.add(g.options.Kit.Principals...)
		set.add(g.options.Kit.Connection.RoleARN)
	}
	for _, s := range append(slices.Clone(was.statements), is.statements...) {
		for _, who := range s.principals() {
			set.addSome(callersNamed(who)...)
		}
		for _, who := range s.Get("NotPrincipal").Words() {
			set.addSome(callersNamed(principal{Node: tree.Text(who), kind: "AWS"})...)
		}
		for _, c := range s.on("aws:PrincipalArn", "aws:PrincipalAccount") {
			for _, v := range c.values.Strings() {
				set.addSome(callersLike(v)...)
			}
		}
	}
	return set.values
}

// callersLike returns who could be meant by a value of a condition on principals: what it
// says, and a role and a user of its account.
func callersLike(value string) []string {
	value = strings.Replace(value, ":sts:", ":iam:", 1)
	account := accountDigits.FindString(value)
	if account == "" {
		account = accountIn(stranger)
		if digits := strings.TrimRight(value, "*?"); strings.Trim(digits, "0123456789") == "" && digits != "" && len(digits) < 12 {
			account = digits + strings.Repeat("5", 12-len(digits))
		}
	}
	out := []string{"arn:aws:iam::" + account + ":role/" + sampleText, "arn:aws:iam::" + account + ":user/" + sampleText}
	if parts := strings.SplitN(value, ":", 6); len(parts) == 6 && (strings.HasPrefix(parts[5], "role/") || strings.HasPrefix(parts[5], "user/")) {
		out = append(out, fill("arn:aws:iam::"+account+":"+parts[5]))
	}
	return out
}

var accountDigits = regexp.MustCompile(`[0-9]{12}`)

// servicesLike returns services that a value of a condition on principals means.
func servicesLike(s *statement) []string {
	out := []string{"cloudtrail.amazonaws.com"}
	for _, c := range s.on("aws:PrincipalServiceName") {
		for _, v := range c.values.Strings() {
			out = append(out, fill(v))
		}
	}
	return out
}

// callersNamed returns who asks where a principal is named: itself, or somebody of
// an account.
func callersNamed(who principal) []string {
	if account := accountOf(principal{Node: who.Node, kind: "AWS"}); account != "" {
		partition := "aws"
		if arn, err := rolecall.ParseARN(who.Text); err == nil {
			partition = arn.Partition
		}
		return []string{"arn:" + partition + ":iam::" + account + ":role/" + sampleText}
	}
	if who.anyone() {
		return []string{stranger, "*"}
	}
	return []string{who.Text}
}
