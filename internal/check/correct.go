package check

import (
	"bytes"
	"slices"

	"github.com/rolecall/rolecall/policy"
)

// layer is the documents of one kind that were given, and how to judge them.
type layer struct {
	kind   string
	papers []paper
	known  func(key string) bool // condition keys of the requests
	role   string                // account of whom the layer speaks of
	use    use                   // that the connection makes; none: Denies except all that they deny
}

// kindLayers is where documents of a kind stand among those that bear on a request.
var kindLayers = map[string]policy.Layer{
	documentTrust: policy.ResourcePolicy, documentBucket: policy.ResourcePolicy, documentKey: policy.ResourcePolicy,
	documentPermissions: policy.Identity, documentWorker: policy.Identity, documentBoundary: policy.Boundary,
	documentSCP: policy.SCP, documentRCP: policy.RCP,
}

// limits are how large AWS lets documents be, in bytes without white space.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
// https://docs.aws.amazon.com/organizations/latest/userguide/orgs_reference_limits.html
var limits = map[string]int{
	documentTrust: policy.MaxTrustPolicy, documentBucket: policy.MaxBucketPolicy, documentKey: policy.MaxKeyPolicy,
	documentPermissions: policy.MaxRolePolicy, documentWorker: policy.MaxRolePolicy, documentBoundary: 6144,
	documentSCP: 5120, documentRCP: 5120,
}

// place is a statement of the layer's.
type place struct{ paper, statement int }

// look decides a request by the layer alone, whatever else bears on it
// allowing it: it gives the statements that deny, and whether it is allowed.
func (l layer) look(in policy.Request, r reading) ([]place, bool) {
	all, _ := policy.Parse([]byte(fullSCP))
	account, _ := policy.Parse([]byte(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"` + l.role + `"},"Action":"*","Resource":"*"}]}`))
	policies := policy.Policies{Identity: []*policy.Document{all}, Resource: account}
	var documents []*policy.Document
	var places [][]int
	for _, p := range l.papers {
		d, from := p.read(r, l.known)
		documents, places = append(documents, d), append(places, from)
	}
	at := kindLayers[l.kind]
	switch at {
	case policy.ResourcePolicy:
		policies.Resource = documents[0]
	case policy.Identity:
		policies.Identity = documents
	case policy.Boundary:
		policies.Boundary = documents
	case policy.SCP:
		policies.SCP = [][]*policy.Document{documents}
	case policy.RCP:
		policies.RCP = [][]*policy.Document{documents}
	}
	result := policy.Evaluate(in, policies)
	var denying []place
	for _, ref := range result.DecidedBy {
		if result.Decision == policy.ExplicitlyDenied && ref.Policy == at {
			denying = append(denying, place{ref.Index, places[ref.Index][ref.Statement]})
		}
	}
	return denying, result.Decision == policy.Allowed
}

func (l layer) allows(asked []policy.Request, r reading) bool {
	return !slices.ContainsFunc(asked, func(in policy.Request) bool { _, ok := l.look(in, r); return !ok })
}

// stand is what the layer is to requests.
type stand int

const (
	unsure  stand = iota // it depends on what is not known of them
	lets                 // all of them pass
	refuses              // those of one action at least do not
)

var (
	strictly  = reading{allows: false, denies: true}
	leniently = reading{allows: true, denies: false}
	surely    = reading{allows: false, denies: false}
)

// stands judges the layer. Requests of one action may come in several forms,
// of which AWS sees one.
func (l layer) stands(asked []policy.Request) stand {
	if l.allows(asked, strictly) {
		return lets
	}
	passes := map[string]bool{}
	for _, in := range asked {
		_, ok := l.look(in, leniently)
		passes[in.Action] = passes[in.Action] || ok
	}
	for _, ok := range passes {
		if !ok {
			return refuses
		}
	}
	return unsure
}

// correct gives the layer with the least change that lets the requests pass,
// by a reading: from Denies the principal is excepted as to what it does, and
// what no Allow says is added, of the grants. It gives the paper that is changed, and is false
// where there is no such change of one.
func (l layer) correct(needed []policy.Request, principal string, grants []object, r reading) (layer, int, bool) {
	out := l
	out.papers = make([]paper, len(l.papers))
	for i, p := range l.papers {
		out.papers[i] = p.copy()
	}
	changed := -1
	for _, in := range needed {
		denying, _ := out.look(in, r)
		for _, at := range denying {
			if changed >= 0 && changed != at.paper || l.kind == documentWorker { // what keeps the worker from its own accounts stays
				return l, 0, false
			}
			changed = at.paper
			deny := out.papers[changed].statements[at.statement]
			out.papers[changed].statements[at.statement] = except(deny, principal)
			for _, s := range l.use.rest(l.kind, deny, principal) {
				out.papers[changed] = out.papers[changed].add(s)
			}
		}
	}
	target := max(changed, 0)
	for _, g := range grants {
		lacking := slices.DeleteFunc(slices.Clone(needed), func(in policy.Request) bool { _, ok := out.look(in, r); return ok })
		with := out
		with.papers = slices.Clone(out.papers)
		with.papers[target] = out.papers[target].add(g)
		if slices.ContainsFunc(lacking, func(in policy.Request) bool { _, ok := with.look(in, r); return ok }) {
			out, changed = with, target
		}
	}
	ok := changed >= 0 && out.allows(needed, r) && out.fits(changed)
	return out, changed, ok
}

// fits tells whether AWS would store the paper, and reads it as is meant:
// literals with a wildcard in them are spelled as variables.
func (l layer) fits(i int) bool {
	p := l.papers[i]
	text := p.text()
	return len(text) <= limits[l.kind] && (p.modern() || !bytes.Contains(text, []byte("${")))
}

// correctTrust gives the trust policy that takes the right request and none
// of the wrong ones, which are the vendor's: who belongs to the vendor is taken
// out of the statements that let those pass; they stay for the others whom they
// name. What speaks of everyone is touched only if it is known to let in the
// vendor's: it may be for an organization of the customer's.
func (l layer) correctTrust(right policy.Request, wrong []policy.Request, principal string, vendors func(account string) bool, grants []object) (layer, bool) {
	out := l
	p := l.papers[0].copy()
	for i := len(p.statements) - 1; i >= 0; i-- {
		if !slices.Equal(words(p.statements[i].get("Effect")), []string{"Allow"}) {
			continue
		}
		alone := l
		alone.papers = []paper{{p.rest, []object{p.statements[i]}}}
		r := leniently
		if everyone(p.statements[i]) {
			r = surely
		}
		if !alone.takes(wrong, r) {
			continue
		}
		if s := unname(p.statements[i], vendors); s != nil {
			p.statements[i] = s
		} else {
			p.statements = slices.Delete(p.statements, i, i+1)
		}
	}
	changed := len(p.statements) != len(l.papers[0].statements)
	for i := range p.statements {
		changed = changed || !bytes.Equal(p.statements[i].text(), l.papers[0].statements[i].text())
	}
	out.papers = []paper{p}
	if only := []policy.Request{right}; !out.allows(only, strictly) {
		fixed, _, ok := out.correct(only, principal, grants, strictly)
		if !ok {
			return l, false
		}
		out, changed = fixed, true
	}
	return out, changed && !out.takes(wrong, surely) && out.fits(0)
}

// takes tells whether one of the requests passes.
func (l layer) takes(asked []policy.Request, r reading) bool {
	return slices.ContainsFunc(asked, func(in policy.Request) bool { _, ok := l.look(in, r); return ok })
}
