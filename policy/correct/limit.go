package correct

import (
	"fmt"
	"slices"
	"strings"

	"github.com/rolecall/rolecall/policy"
	"github.com/rolecall/rolecall/policy/internal/tree"
)

// Limit is a condition of the account's own under which alone statements of a
// document allow what was refused. Nothing is proposed that would void it.
type Limit struct {
	File       string
	Statements []string // by their Sids, or as "statement 2"
	Operator   string
	Key        string
	Values     []string
	Unknown    bool // whether requests meet it is not known; else they do not
	met        bool
	document   int
}

// aboutOthers are the keys of conditions that say for whom or for what a
// statement is: where requests do not meet them, it is about others.
var aboutOthers = []string{
	"aws:principalarn", "aws:principalaccount", "aws:principalisawsservice", "aws:principalservicename", "aws:principalservicenameslist",
	"aws:sourcearn", "aws:sourceaccount", "aws:sourceorgid", "aws:sourceorgpaths",
	"s3:dataaccesspointaccount", "s3:dataaccesspointarn", "s3:accesspointnetworkorigin", "kms:calleraccount", "kms:viaservice", "kms:grantisforawsresource",
}

// ofConnections are the keys of conditions that differ from connection to
// connection, and are right in the statements that are added.
var ofConnections = []string{"sts:externalid", "s3:prefix", "s3:delimiter", "s3:max-keys"}

// limits returns the account's own conditions on what allows the requests but
// for them, and but for what is the connection's to say.
func (l layer) limits(requests []policy.Request) []Limit {
	var out []Limit
	for i, d := range l.documents {
		for n, s := range statements(d) {
			bare, limits := l.bare(s)
			if isDeny(s) || len(limits) == 0 || !l.alone(i, bare).allowsAny(requests, strict) {
				continue
			}
			for _, limit := range limits {
				limit.document, limit.Statements = i, []string{nameOf(s, n)}
				only, _ := under(tree.Object("Effect", "Allow", "Action", "*", "Resource", "*"), limit)
				if l.kind.Layer() == policy.ResourcePolicy {
					only.Set("Principal", tree.Text("*"))
				}
				if l.kind == policy.TrustDocument {
					only.Remove("Resource")
				}
				at := l.alone(i, only)
				at.known = l.known
				limit.met = at.allowsAll(requests, strict)
				limit.Unknown = !limit.met && at.allowsAll(requests, lenient)
				out = merged(out, limit)
			}
		}
	}
	return out
}

// merged returns the limits with one more, which another statement may have, too.
func merged(limits []Limit, more Limit) []Limit {
	for i, l := range limits {
		if l.document == more.document && strings.EqualFold(l.Operator, more.Operator) && strings.EqualFold(l.Key, more.Key) && slices.Equal(l.Values, more.Values) {
			named := func(name string) bool { return slices.Contains(l.Statements, name) }
			limits[i].Statements = append(l.Statements, slices.DeleteFunc(slices.Clone(more.Statements), named)...)
			limits[i].met, limits[i].Unknown = l.met && more.met, l.Unknown || more.Unknown
			return limits
		}
	}
	return append(limits, more)
}

// bare returns a statement without those of its conditions that are limits of
// the account's own, or the connection's to say, and the limits.
func (l layer) bare(s *tree.Node) (*tree.Node, []Limit) {
	out := s.Clone()
	block := s.Get("Condition")
	if block == nil {
		return out, nil
	}
	// A trust policy that lets in everyone of an organization speaks of the
	// customer's, which the vendor is not in.
	organization := l.kind == policy.TrustDocument && namesEveryone(s) && !hasCondition(s, "sts:ExternalId")
	var limits []Limit
	for _, operator := range block.Members {
		for _, key := range operator.Value.Members {
			name := strings.ToLower(key.Name)
			switch {
			case slices.Contains(aboutOthers, name), strings.HasPrefix(name, "kms:encryptioncontext"), organization && strings.HasPrefix(name, "aws:principalorg"):
				continue
			case !slices.Contains(ofConnections, name):
				limits = append(limits, Limit{Operator: operator.Name, Key: key.Name, Values: key.Value.Strings()})
			}
			drop(out, operator.Name, key.Name)
		}
	}
	return out, limits
}

// drop removes a condition, and what is empty then.
func drop(s *tree.Node, operator, key string) {
	block := s.Get("Condition")
	keys := block.Get(operator)
	if keys.Remove(key); len(keys.Members) == 0 {
		block.Remove(operator)
	}
	if len(block.Members) == 0 {
		s.Remove("Condition")
	}
}

// alone is the layer with one statement, all of whose conditions count.
func (l layer) alone(document int, s *tree.Node) layer {
	out := l
	out.documents = []*tree.Node{withStatements(l.documents[document], []*tree.Node{s})}
	out.known = func(string) bool { return true }
	return out
}

// under returns a statement under a limit. It is false where the statement has
// such a condition with other values.
func under(s *tree.Node, limit Limit) (*tree.Node, bool) {
	out := s.Clone()
	if out.Get("Condition") == nil {
		out.Set("Condition", tree.Object())
	}
	block := out.Get("Condition")
	if block.Fold(limit.Operator) == nil {
		block.Set(limit.Operator, tree.Object())
	}
	keys := block.Fold(limit.Operator).Value
	if has := keys.Fold(limit.Key); has != nil {
		return out, slices.Equal(has.Value.Strings(), limit.Values)
	}
	keys.Set(limit.Key, tree.List(limit.Values...))
	return out, true
}

// keepLimits puts the account's own limits on the Allows that a correction has
// added to what there was of a document: those under which the layer allowed the
// same. It is false where they contradict each other.
func (l layer) keepLimits(fixed layer, i int, before *tree.Node, needed []policy.Request) (layer, []Limit, bool) {
	all := slices.Clone(statements(fixed.documents[i]))
	var kept []Limit
	for n := range all {
		if isDeny(all[n]) || has(before, all[n]) {
			continue
		}
		added := fixed.alone(i, all[n])
		limits := l.limits(slices.DeleteFunc(slices.Clone(needed), func(in policy.Request) bool { _, ok := added.decide(in, strict); return !ok }))
		for _, limit := range limits {
			kept = merged(kept, limit)
			var ok bool
			if all[n], ok = under(all[n], limit); !ok {
				return fixed, kept, false
			}
		}
	}
	out := fixed
	out.documents = slices.Clone(fixed.documents)
	out.documents[i] = withStatements(fixed.documents[i], all)
	return out, kept, true
}

// limited returns the judgement with those of the limits that are in the way.
func (j Judgement) limited(limits []Limit) Judgement {
	for _, limit := range limits {
		if !limit.met {
			limit.File = j.Files[limit.document]
			j.Limits = append(j.Limits, limit)
		}
	}
	return j
}

// nameOf names a statement, which is the n-th of its document.
func nameOf(s *tree.Node, n int) string {
	if sid := s.Get("Sid").Strings(); len(sid) == 1 && sid[0] != "" {
		return sid[0]
	}
	return fmt.Sprintf("statement %d", n+1)
}
