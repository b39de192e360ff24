package lint

import (
	"cmp"
	"slices"
	"strings"

	"github.com/rolecall/rolecall"
	"github.com/rolecall/rolecall/policy"
	"github.com/rolecall/rolecall/policy/internal/tree"
)

// mindsGain reports whether it harms that a request is allowed after a fix: it is
// not the connection's. Without a connection, a document is for those whom it names,
// and a fix may let them do what it says; but not what a variable makes of it.
func (g *guard) mindsGain(r *rule, in policy.Request) bool {
	if g.options.Kit == nil {
		if g.vendor != "" && in.Principal == g.vendor && strings.Contains(g.vendor, ":role/") && !strings.Contains(g.vendor, sampleText) {
			return false
		}
		return r.strict || g.resourceKind() && !namedIdentity(in) && !limitedService(in)
	}
	switch g.kind {
	case policy.TrustDocument:
		assumes := strings.HasPrefix(in.Action, "sts:AssumeRole")
		return !slices.Contains(g.options.Kit.Principals, in.Principal) || assumes && !slices.Contains(g.options.Kit.ExternalIDs, externalIDOf(in))
	case policy.WorkerDocument:
		return in.Resource != g.options.Kit.Connection.RoleARN
	case policy.PermissionsDocument:
		return !g.within(in)
	default:
		return !g.within(in) || !g.connections(in.Principal)
	}
}

// mindsLoss reports whether it harms that a request is no longer allowed after a
// fix: somebody else than the connection made it.
func (g *guard) mindsLoss(r *rule, in policy.Request) bool {
	if g.kind == policy.TrustDocument {
		return g.mindsTrustLoss(r, in)
	}
	if g.options.Kit == nil {
		return true
	}
	switch g.kind {
	case policy.WorkerDocument:
		return true
	case policy.PermissionsDocument:
		return !g.within(in) || anyConnections[in.Action]
	default:
		return !g.within(in) || !g.connections(in.Principal) && !g.unnamedVendor(in.Principal)
	}
}

// anyConnections are the actions that some connection needs, if not this one: one role
// may serve several of the same prefix, or of one within it.
var anyConnections = func() map[string]bool {
	out := map[string]bool{}
	for _, name := range append((&pass{}).needed(), "s3:GetObjectVersion") {
		out[name] = true
	}
	for _, grant := range policy.Grants(rolecall.Delivery) {
		out["s3:"+string(grant)] = true
	}
	return out
}()

// mindsTrustLoss is mindsLoss for a trust. What the vendor could do with no external
// id, or with one that the document does not name, others could do through it: it
// is closed rightly. An id that is named may be an earlier one of the connection's, or
// another connection's.
func (g *guard) mindsTrustLoss(r *rule, in policy.Request) bool {
	id := externalIDOf(in)
	kit := g.options.Kit
	if kit == nil {
		return !r.asksID || in.Principal != g.vendor || g.asked[id]
	}
	switch {
	case slices.Contains(kit.Principals, in.Principal):
		return g.shared && g.asked[id] && !slices.Contains(kit.ExternalIDs, id)
	case slices.Contains(vendorAccounts(kit), accountIn(in.Principal)):
		return g.asked[id] && !strings.Contains(in.Principal, sampleText)
	default:
		return true
	}
}

// sharesIDs notes which external ids the document asks for, and reports whether
// they may be others': the connection's is among them, or there are several.
func (g *guard) sharesIDs(root *tree.Node) bool {
	for _, s := range statementsOf(root) {
		for _, c := range s.on(externalID) {
			for _, v := range c.values.Strings() {
				if s.allow && c.matches() && !(c.base() == "StringLike" && hasWildcard(v)) {
					g.asked[v] = true
				}
			}
		}
	}
	kit := g.options.Kit
	return len(g.asked) > 1 || kit != nil && slices.ContainsFunc(kit.ExternalIDs, func(id string) bool { return g.asked[id] })
}

// soleVendor returns the one principal that a trust asks for an external id: no
// other need send one. It is empty where several are asked, or an account is.
func soleVendor(root *tree.Node) string {
	sole := ""
	for _, s := range statementsOf(root) {
		if !s.allow || len(s.on(externalID)) == 0 {
			continue
		}
		named := s.principals()
		if len(named) != 1 || named[0].kind != "AWS" || named[0].anyone() || sole != "" && sole != named[0].Text {
			return ""
		}
		sole = named[0].Text
	}
	if sole == "" {
		return ""
	}
	return callersNamed(principal{Node: tree.Text(sole), kind: "AWS"})[0]
}

// within reports whether the request is about nothing but the connection's objects, its
// bucket as far as they need it, and its key: another prefix, bucket or key may be
// another connection's of the same role.
func (g *guard) within(in policy.Request) bool {
	c := g.options.Kit.Connection
	if c.Encryption != nil && c.Encryption.Key != "" && in.Resource == c.Encryption.Key {
		return true
	}
	bucket := "arn:" + g.partition() + ":s3:::" + c.Bucket
	known := exact(in.Action)
	switch {
	case strings.HasPrefix(in.Resource, bucket+"/"+c.Prefix):
		return true
	case in.Resource != bucket || known == nil:
		return false
	case c.Prefix == "":
		return true
	case known.hasKey("s3:prefix"):
		prefix := in.Context["s3:prefix"]
		return len(prefix) == 1 && strings.HasPrefix(prefix[0], c.Prefix)
	default:
		return slices.Contains(g.options.Kit.Optional, policy.Grant(strings.TrimPrefix(known.name, "s3:")))
	}
}

// partition returns the connection's.
func (g *guard) partition() string {
	return cmp.Or((&pass{options: g.options}).partition(), "aws")
}

// connections reports whether a principal is the connection's role, or its worker.
func (g *guard) connections(principal string) bool {
	return principal == g.options.Kit.Connection.RoleARN || slices.Contains(g.options.Kit.Principals, principal) || slices.Contains(g.options.Others, principal)
}

// unnamedVendor reports whether a principal stands for whoever else is in an account of
// the vendor's.
func (g *guard) unnamedVendor(principal string) bool {
	return strings.Contains(principal, sampleText) && slices.Contains(vendorAccounts(g.options.Kit), accountIn(principal))
}

// vendorAccounts returns the accounts of the vendor's workers, and those that are
// declared.
func vendorAccounts(kit *policy.KitRequest) []string {
	out := slices.Clone(kit.VendorAccounts)
	for _, arn := range kit.Principals {
		out = append(out, accountIn(arn))
	}
	return out
}

// namedIdentity reports whether a user, role or account of an account asks, and not
// everyone, a service or an identity provider.
func namedIdentity(in policy.Request) bool {
	return !everyone(in.Principal) && accountIn(in.Principal) != "" && !strings.Contains(in.Principal, "-provider/")
}

// limitedService reports whether a service asks for one account.
func limitedService(in policy.Request) bool {
	account := cmp.Or(strings.Join(in.Context["aws:sourceaccount"], ""), accountIn(strings.Join(in.Context["aws:sourcearn"], "")))
	return !strings.HasPrefix(in.Principal, "arn:") && in.Principal != "*" && rolecall.IsAccountID(account)
}

// externalIDOf returns the external id that a request sends.
func externalIDOf(in policy.Request) string {
	if ids := in.Context[strings.ToLower(externalID)]; len(ids) == 1 {
		return ids[0]
	}
	return ""
}
