package correct

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/rolecall/rolecall/policy"
	"github.com/rolecall/rolecall/policy/internal/tree"
)

// Judgement is what was found out about the documents of one kind.
type Judgement struct {
	Kind     policy.Kind
	Standing Standing
	Files    []string // of the documents
	// Corrected is the document in the place of File's that lets the connection
	// through. It is nil when the documents need no change, or no small one would
	// do.
	Corrected json.RawMessage
	File      string
	Changes   string // what to do with it, and what differs in it
	// Limits are in the way where nothing is corrected because of them.
	Limits []Limit
}

// Standing is what documents are to the requests of a connection.
type Standing int

// The standings.
const (
	Unsure  Standing = iota // it depends on what is not known of the requests
	Allows                  // all of them pass
	Refuses                 // those of one action at least do not
)

// Judge judges those of the documents that are of the kind by what a step
// asked. It is false when none of them is, or none decides it.
func (s Setup) Judge(q Question, kind policy.Kind, all []Given) (Judgement, bool) {
	out := Judgement{Kind: kind}
	l := layer{kind: kind, account: s.Role.Account}
	for _, g := range all {
		if g.Kind == kind {
			out.Files, l.documents = append(out.Files, g.File), append(l.documents, readDocument(g.Document))
		}
	}
	requests := s.requests(q)
	asked, needed := q.asked(kind, requests), decidedBy(kind, requests, "")
	if len(out.Files) == 0 || len(asked) == 0 {
		return out, false
	}
	l.known = knownKeys(needed)
	if kind == policy.TrustDocument {
		return s.judgeTrust(q, out, l, needed), true
	}
	who := s.Connection.RoleARN
	if q.Assumes() {
		who, l.account = s.Principal.String(), s.Principal.Account
	}
	if out.Standing = l.standing(asked); out.Standing == Allows {
		return out, true
	}
	if kit, err := policy.Generate(s.request()); err == nil && !q.Assumes() {
		l.use = useOf(kit.Permissions, kind)
	} else if kind == policy.RCPDocument {
		l.use = use{{[]string{actionAssume}, []string{s.Connection.RoleARN}, nil}}
	}
	a := l.assumptionFor(q, asked, out.Standing)
	fixed, i, ok := l.correct(needed, who, s.grants(kind), a)
	if !ok {
		return out, true
	}
	fixed, limits, ok := l.keepLimits(fixed, i, l.documents[i], needed)
	if ok = ok && fixed.allowsAll(needed, a) && fixed.fits(i); !ok {
		return out.limited(limits), true
	}
	out = out.corrected(l.documents[i], fixed.documents[i], i)
	if s.plainHTTP() && bytes.Contains(bytes.ToLower(l.documents[i].JSON()), []byte("aws:securetransport")) {
		out.Changes += ". Operator: better give an endpoint with TLS, of which the document speaks"
	}
	return out, true
}

// assumptionFor is by which assumption the layer is corrected: what AWS said
// of the refusal says what is true of the request.
func (l layer) assumptionFor(q Question, asked []policy.Request, standing Standing) assumption {
	denies := func(in policy.Request) bool { denying, _ := l.decide(in, lenient); return len(denying) > 0 }
	switch {
	case q.LayerKnown && q.Denial.Explicit && !slices.ContainsFunc(asked, denies): // so one did of which that is not known
		return assumption{allows: true, denies: true}
	case standing == Refuses:
		return lenient
	case q.LayerKnown && q.Denial.Layer != "" && !q.Denial.Explicit: // so no Deny matched
		return certain
	}
	return strict
}

func (s Setup) judgeTrust(q Question, out Judgement, l layer, right []policy.Request) Judgement {
	wrong := s.wrongRequests(s.Principal)
	out.Standing = l.standing(right)
	switch {
	case !q.LayerKnown: // it refused the right external id, and nobody knows of others
	case l.allowsAny(wrong, strict):
		out.Standing = Refuses // to be as it must
	case out.Standing == Allows && l.allowsAny(wrong, lenient):
		out.Standing = Unsure
	}
	if out.Standing == Allows {
		return out
	}
	wrong = s.wrongRequests(s.vendors(l.documents[0])...)
	id := tree.Object("StringEquals", tree.Object("sts:ExternalId", s.ExternalID))
	l.use = use{{union([]string{actionAssume}, s.SessionActions), nil, id}} // a Deny stays for other ids
	fixed, limits, ok := l.correctTrust(right, wrong, s.Principal.String(), s.Vendor.Owns, s.grants(policy.TrustDocument))
	if !ok {
		return out.limited(limits)
	}
	return out.corrected(l.documents[0], fixed.documents[0], 0)
}

// corrected returns the judgement with the corrected document in the place of
// one that was given. Deleted identities are taken out of it: AWS shows them, and
// stores no document that has them.
func (j Judgement) corrected(old, fixed *tree.Node, i int) Judgement {
	fixed = fixed.Clone()
	var gone []string
	if j.Kind.Layer() == policy.ResourcePolicy {
		gone = fixed.DropUniqueIDs()
	}
	j.File, j.Corrected = j.Files[i], fixed.JSON()
	j.Changes = changes(j.File, old, fixed)
	if len(gone) > 0 {
		j.Changes += ", but for " + strings.Join(gone, ", ") + ", of deleted identities, which AWS does not store"
	}
	return j
}

// changes says what to do with a corrected document, and what differs in it.
func changes(file string, old, corrected *tree.Node) string {
	added, narrowed := lackedBy(old, corrected)
	gone, denied := lackedBy(corrected, old)
	gone = slices.DeleteFunc(append(gone, denied...), func(name string) bool { return slices.Contains(added, name) || slices.Contains(narrowed, name) })
	out := fmt.Sprintf("put the corrected document in the place of %s", file)
	for _, c := range []struct {
		what  string
		names []string
	}{{"new or changed", added}, {"narrowed", narrowed}, {"removed", gone}} {
		if len(c.names) > 0 {
			out += "; " + c.what + ": " + strings.Join(c.names, ", ")
		}
	}
	return out + "; all else stays"
}

// lackedBy names the statements of another document that d does not have, and
// the Denies among them apart.
func lackedBy(d, other *tree.Node) (allows, denies []string) {
	for i, s := range statements(other) {
		if has(d, s) {
			continue
		}
		if isDeny(s) {
			denies = append(denies, nameOf(s, i))
		} else {
			allows = append(allows, nameOf(s, i))
		}
	}
	return allows, denies
}

// DeniesPlainHTTP reports whether the bucket's policy denies what was asked
// because it came without TLS. That is right of it, and is not to be changed.
func (s Setup) DeniesPlainHTTP(q Question, bucket *policy.Document) bool {
	const kind = policy.BucketDocument
	requests := s.requests(q)
	l := layer{kind: kind, documents: []*tree.Node{readDocument(bucket)}, account: s.Role.Account, known: knownKeys(decidedBy(kind, requests, ""))}
	for _, in := range q.asked(kind, requests) {
		denying, _ := l.decide(in, strict)
		for _, at := range denying {
			if hasCondition(statements(l.documents[0])[at.statement], "aws:SecureTransport") {
				return true
			}
		}
	}
	return false
}
