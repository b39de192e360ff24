package lint

import (
	"slices"
	"strings"

	"github.com/rolecall/rolecall/policy"
	"github.com/rolecall/rolecall/policy/internal/tree"
)

// ofOthers reports whether a value is part of a statement that allows others
// than the connection's something, or them too: what they need is not known
// here. Without a connection that is every statement that names principals, but
// for those of a trust that ask for an external id, as vendors' do.
func (p *pass) ofOthers(n *tree.Node) bool {
	return slices.ContainsFunc(p.statements, func(s *statement) bool {
		made := s.Pointer == "" && s.Node != s.document // by a fix
		in := n == s.Node || !made && n.Pointer != "" && strings.HasPrefix(n.Pointer+"/", s.Pointer+"/")
		return in && s.allow && p.forOthers(s)
	})
}

// forOthers is ofOthers for a statement.
func (p *pass) forOthers(s *statement) bool {
	if s.Get("Principal") == nil && s.Get("NotPrincipal") == nil {
		return false
	}
	if p.kit() == nil || s.Get("NotPrincipal") != nil {
		return p.kind != policy.TrustDocument || s.Get("NotPrincipal") != nil || len(s.on(externalID)) == 0
	}
	return slices.ContainsFunc(s.principals(), func(who principal) bool {
		switch {
		case who.anyone():
			return s.forOwnIdentities() || s.confined()
		case who.kind != "AWS":
			return true
		case p.kind == policy.TrustDocument:
			return !p.ofVendor(who.Text)
		default:
			return who.Text != p.kit().Connection.RoleARN && !p.ofVendor(who.Text)
		}
	})
}
