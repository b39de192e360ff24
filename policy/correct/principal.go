package correct

import (
	"slices"
	"strings"

	"github.com/rolecall/rolecall"
	"github.com/rolecall/rolecall/policy/internal/tree"
)

// onPrincipal returns the statement with one more value of a condition on the
// principal, under an operator.
func onPrincipal(s *tree.Node, operator, principal string) *tree.Node {
	out := s.Clone()
	if out.Get("Condition") == nil {
		out.Set("Condition", tree.Object())
	}
	block := out.Get("Condition")
	under := block.Fold(operator)
	if under == nil {
		block.Set(operator, tree.Object())
		under = block.Fold(operator)
	}
	key := under.Value.Fold(principalKey)
	if key == nil {
		under.Value.Set(principalKey, tree.Text(principal))
	} else {
		key.Value = tree.List(append(key.Value.Strings(), principal)...)
	}
	return out
}

const principalKey = "aws:PrincipalArn"

// exceptPrincipal narrows a Deny to all others than the principal. It is nil where
// there are none. The conditions of a statement must all hold, so that one more
// leaves it as it is for the others.
func exceptPrincipal(s *tree.Node, principal string) *tree.Node {
	if namesOnly(s, principal) {
		return nil
	}
	out := s.Clone()
	for _, list := range whom(out) {
		left := slices.DeleteFunc(list.Strings(), func(name string) bool { return isOf(name, principal) })
		if 0 < len(left) && len(left) < len(list.Each()) && !slices.ContainsFunc(left, func(name string) bool { return mayBe(name, principal) }) {
			list.Become(tree.List(left...))
			return out
		}
	}
	for _, operator := range []string{"ArnNotEquals", "ArnNotLike"} { // names whom it leaves out already
		if keys := s.Get("Condition").Fold(operator); keys != nil && keys.Value.Fold(principalKey) != nil {
			return onPrincipal(s, operator, principal)
		}
	}
	return onPrincipal(s, "ArnNotEquals", principal)
}

// ofPrincipal narrows a Deny that bears on a principal to it alone.
func ofPrincipal(deny *tree.Node, principal string) *tree.Node {
	if namesOnly(deny, principal) {
		return deny
	}
	if under := deny.Get("Condition").Fold("ArnEquals"); under != nil && under.Value.Fold(principalKey) != nil {
		out := deny.Clone()
		out.Get("Condition").Fold("ArnEquals").Value.Fold(principalKey).Value = tree.Text(principal)
		return out
	}
	return onPrincipal(deny, "ArnEquals", principal)
}

// namesOnly reports whether a Deny is for nobody but the principal.
func namesOnly(s *tree.Node, principal string) bool {
	return slices.ContainsFunc(whom(s), func(list *tree.Node) bool {
		return !slices.ContainsFunc(list.Strings(), func(name string) bool { return !isOf(name, principal) })
	})
}

// whom returns the lists of a statement that each say alone for whom it is.
func whom(s *tree.Node) []*tree.Node {
	var out []*tree.Node
	if p := s.Get("Principal"); p != nil && len(p.Members) == 1 && p.Get("AWS") != nil {
		out = append(out, p.Get("AWS"))
	}
	for _, operator := range []string{"ArnEquals", "ArnLike", "StringEquals", "StringLike"} {
		if keys := s.Get("Condition").Fold(operator); keys != nil && keys.Value.Fold(principalKey) != nil {
			out = append(out, keys.Value.Fold(principalKey).Value)
		}
	}
	return out
}

// isOf reports whether a name is the principal's, or that of a session of its.
func isOf(name, principal string) bool {
	a, err := rolecall.ParseARN(name)
	p, perr := rolecall.ParseARN(principal)
	if err != nil || perr != nil {
		return false
	}
	role := "assumed-role/" + p.Resource[strings.LastIndex(p.Resource, "/")+1:] + "/"
	return name == principal || a.Account == p.Account && a.Service == "sts" && strings.HasPrefix(p.Resource, "role/") && strings.HasPrefix(a.Resource, role) && !strings.ContainsAny(name, "*?$")
}

// mayBe reports whether a name is of more than one principal, which this one may be
// among.
func mayBe(name, principal string) bool {
	return !strings.Contains(name, ":") || strings.HasSuffix(name, ":root") || strings.ContainsAny(name, "*?$") || isOf(name, principal)
}

// withoutPrincipals takes those of some accounts out of the principals that an
// Allow names. It is nil when nobody else is named, or when the Allow is for
// everyone: then it cannot stay.
func withoutPrincipals(s *tree.Node, of func(account string) bool) *tree.Node {
	named := s.Get("Principal").Get("AWS").Strings()
	left := slices.DeleteFunc(slices.Clone(named), func(p string) bool {
		if arn, err := rolecall.ParseARN(p); err == nil {
			p = arn.Account
		}
		return p == "*" || of(p)
	})
	out := s.Clone()
	principal := out.Get("Principal")
	switch {
	case len(named) == len(left), namesEveryone(s):
		return nil
	case len(left) > 0:
		principal.Set("AWS", tree.List(left...))
	case len(principal.Members) > 1:
		principal.Remove("AWS")
	default:
		return nil
	}
	return out
}

// namesEveryone reports whether an Allow is for all but those whom it may
// exempt.
func namesEveryone(s *tree.Node) bool {
	principal := s.Get("Principal")
	return principal == nil || principal.Kind != '{' || slices.Contains(principal.Get("AWS").Strings(), "*")
}
