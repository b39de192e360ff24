package correct

import (
	"bytes"
	"slices"

	"github.com/rolecall/rolecall/policy"
	"github.com/rolecall/rolecall/policy/internal/tree"
)

// layer is the documents of one kind that were given, and how to judge them.
type layer struct {
	kind      policy.Kind
	documents []*tree.Node
	known     func(key string) bool // condition keys of the requests
	account   string                // of those whom the layer is about
	use       use                   // that the connection makes; none: Denies except all that they deny
}

// full allows everything to everyone whom it is attached to.
const full = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}`

// statementRef is which statement of which of the layer's documents.
type statementRef struct{ document, statement int }

// decide decides a request by the layer alone, with all else allowing it. It
// returns the statements that deny, and whether the request is allowed.
func (l layer) decide(in policy.Request, a assumption) ([]statementRef, bool) {
	var documents []*policy.Document
	var origins [][]int
	for _, d := range l.documents {
		assumed, from := assume(d, a, l.known)
		documents, origins = append(documents, assumed), append(origins, from)
	}
	at := l.kind.Layer()
	result := policy.Evaluate(in, l.policies(documents...))
	var denying []statementRef
	for _, ref := range result.DecidedBy {
		if result.Decision == policy.ExplicitlyDenied && ref.Policy == at {
			denying = append(denying, statementRef{ref.Index, origins[ref.Index][ref.Statement]})
		}
	}
	return denying, result.Decision == policy.Allowed
}

// policies are the documents as the layer, with all else allowing everything.
func (l layer) policies(documents ...*policy.Document) policy.Policies {
	all, _ := policy.Parse([]byte(full))
	account, _ := policy.Parse([]byte(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"` + l.account + `"},"Action":"*","Resource":"*"}]}`))
	out := policy.Policies{Identity: []*policy.Document{all}, Resource: account}
	switch l.kind.Layer() {
	case policy.ResourcePolicy:
		out.Resource = documents[0]
	case policy.Identity:
		out.Identity = documents
	case policy.Boundary:
		out.Boundary = documents
	case policy.SCP:
		out.SCP = [][]*policy.Document{documents}
	case policy.RCP:
		out.RCP = [][]*policy.Document{documents}
	}
	return out
}

// allowsAll reports whether each of the requests passes.
func (l layer) allowsAll(requests []policy.Request, a assumption) bool {
	return !slices.ContainsFunc(requests, func(in policy.Request) bool { _, ok := l.decide(in, a); return !ok })
}

// allowsAny reports whether one of the requests passes.
func (l layer) allowsAny(requests []policy.Request, a assumption) bool {
	return slices.ContainsFunc(requests, func(in policy.Request) bool { _, ok := l.decide(in, a); return ok })
}

// assumption is what is assumed of statements under conditions on what is not
// known of the requests: whether Allows, and whether Denies, apply to them.
type assumption struct{ allows, denies bool }

var (
	strict  = assumption{allows: false, denies: true}
	lenient = assumption{allows: true, denies: false}
	certain = assumption{allows: false, denies: false}
)

// standing judges the layer. Requests of one action may come in several forms,
// of which AWS sees one.
func (l layer) standing(requests []policy.Request) Standing {
	if l.allowsAll(requests, strict) {
		return Allows
	}
	passes := map[string]bool{}
	for _, in := range requests {
		_, ok := l.decide(in, lenient)
		passes[in.Action] = passes[in.Action] || ok
	}
	for _, ok := range passes {
		if !ok {
			return Refuses
		}
	}
	return Unsure
}

// correct returns the layer with the least change that lets the requests pass
// under an assumption: Denies except the principal as to what it does, and of
// the grants those are added that no Allow has. It also returns which document
// is changed. It is false where no such change of a single document exists.
func (l layer) correct(needed []policy.Request, principal string, grants []*tree.Node, a assumption) (layer, int, bool) {
	out := l
	out.documents = slices.Clone(l.documents)
	changed := -1
	for _, in := range needed {
		denying, _ := out.decide(in, a)
		for _, at := range slices.Backward(denying) { // so that the places of those to come stay
			if changed >= 0 && changed != at.document || l.kind == policy.WorkerDocument { // what keeps the worker from its own accounts stays
				return l, 0, false
			}
			changed = at.document
			all := slices.Clone(statements(out.documents[changed]))
			deny := all[at.statement]
			still, ok := l.use.stillDenied(l.kind, deny, principal)
			if !ok {
				return l, 0, false
			}
			if all[at.statement] = exceptPrincipal(deny, principal); all[at.statement] == nil {
				all = slices.Delete(all, at.statement, at.statement+1)
			}
			out.documents[changed] = withStatements(out.documents[changed], all)
			for _, s := range still {
				out.documents[changed] = add(out.documents[changed], s)
			}
		}
	}
	target := max(changed, 0)
	for _, g := range grants {
		lacking := slices.DeleteFunc(slices.Clone(needed), func(in policy.Request) bool { _, ok := out.decide(in, a); return ok })
		with := out
		with.documents = slices.Clone(out.documents)
		with.documents[target] = add(out.documents[target], g)
		if with.allowsAny(lacking, a) {
			out, changed = with, target
		}
	}
	ok := changed >= 0 && out.allowsAll(needed, a) && out.fits(changed)
	return out, changed, ok
}

// fits reports whether AWS would store the document, and reads it as is meant:
// literals with a wildcard in them are written as variables.
func (l layer) fits(i int) bool {
	d := l.documents[i]
	text := d.JSON()
	return len(statements(d)) > 0 && len(text) <= l.kind.Limit() && (d.Modern() || !bytes.Contains(text, []byte("${")))
}

// correctTrust returns the trust policy that allows the right requests and none
// of the wrong ones, which are the vendor's: the vendor's principals are taken
// out of the statements that let those pass; these stay for the others whom
// they name. A statement about everyone is changed only if it is known to let
// in the vendor's: it may be for an organization of the customer's. Where no such
// policy exists it returns the account's own limits that are in the way.
func (l layer) correctTrust(right, wrong []policy.Request, principal string, vendors func(account string) bool, grants []*tree.Node) (layer, []Limit, bool) {
	out, changed := l, false
	var left []*tree.Node
	for _, s := range statements(l.documents[0]) {
		a := lenient
		if namesEveryone(s) {
			a = certain
		}
		alone := l
		alone.documents = []*tree.Node{withStatements(l.documents[0], []*tree.Node{s})}
		if !isDeny(s) && alone.allowsAny(wrong, a) {
			changed = true
			if s = withoutPrincipals(s, vendors); s == nil {
				continue
			}
		}
		left = append(left, s)
	}
	out.documents = []*tree.Node{withStatements(l.documents[0], left)}
	if !out.allowsAll(right, strict) {
		fixed, _, ok := out.correct(right, principal, grants, strict)
		if !ok {
			return l, nil, false
		}
		fixed, limits, ok := l.keepLimits(fixed, 0, withStatements(l.documents[0], left), right)
		a := strict
		if changed { // whoever was let in meets the limits of what let them in
			a = lenient
		}
		if !ok || !fixed.allowsAll(right, a) {
			return l, limits, false
		}
		out, changed = fixed, true
	}
	return out, nil, changed && !out.allowsAny(wrong, certain) && out.fits(0)
}
