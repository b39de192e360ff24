package explain

import (
	"slices"
	"strings"

	"github.com/rolecall/rolecall/policy"
	"github.com/rolecall/rolecall/policy/internal/tree"
)

// Change reverses a decision. Its edits are made in order.
type Change struct {
	Decision policy.Decision `json:"decision"` // what it makes of the request
	Edits    []Edit          `json:"edits"`
}

// Edit is a change of one document, or of what the request is asked with.
type Edit struct {
	Policy policy.Layer `json:"policy,omitempty"` // empty: of the request
	Index  int          `json:"index"`            // of the document in its layer; behind the last: a new one
	// Pointer is the changed place in the document, or the key in the
	// request's context.
	Pointer string `json:"pointer"`
	Text    string `json:"text"`
	// Document is the whole of it with all edits of the change; nil for the
	// request, and where no statement is left and the document is to go.
	Document *policy.Document `json:"document,omitempty"`
	Value    string           `json:"value,omitempty"` // of the request's key
}

// Bounds of a search, whose work is else that of whoever sends the policies:
// beyond so many edits nobody would call a change small, and of many
// statements or conditions alike the first are as good as the others.
const (
	maxEdits = 16
	maxAlike = 32
)

// Smallest finds the smallest change that reverses the decision, from denied to
// allowed or from allowed to denied. Small is what lets the least else in: a
// request asked in another way, for which no policy need be changed, comes
// before one more value in a list that excepts, that before one more value or
// statement that allows, and removing a Deny comes last. Evaluate has confirmed
// the change; it is false when none was found.
func Smallest(in policy.Request, policies policy.Policies) (Change, bool) {
	s := search{request: in, policies: policies}
	before := s.decide()
	if before.Decision == policy.Allowed {
		denied := func(trial *search) bool { return trial.decide().Decision != policy.Allowed && !trial.emptied() }
		if !s.try(s.denials(before), denied) {
			return Change{}, false
		}
		return s.change(), true
	}
	for _, start := range s.starts() {
		found := start.allow()
		// To ask otherwise may have made needless what was done before it, or
		// have undone it.
		again := s
		for _, e := range start.edits {
			if e.Policy == "" {
				again.apply(candidate{edit: e})
			}
		}
		if len(again.edits) > 0 && again.allow() {
			start, found = again, true
		}
		if found && !start.anyID(s) {
			return start.change(), true
		}
	}
	return Change{}, false
}

// search is a change under way: the request and the policies as its edits
// have left them.
type search struct {
	request  policy.Request
	policies policy.Policies
	edits    []Edit
}

func (s *search) decide() policy.Result { return policy.Evaluate(s.request, s.policies) }

// allow makes edits until the request is allowed.
func (s *search) allow() bool {
	for range maxEdits {
		before := s.decide()
		if before.Decision == policy.Allowed {
			return true
		}
		if len(before.DecidedBy)+len(before.Missing) == 0 {
			return false // whatever the policies say
		}
		b := s.next(before)
		if !s.try(s.candidates(b), func(trial *search) bool { return trial.clears(b, before) }) && (b.missing == "" || !s.giveAll(b, before)) {
			return false
		}
	}
	return s.decide().Decision == policy.Allowed
}

func (s *search) change() Change {
	for i := range s.edits {
		e := &s.edits[i]
		if e.Policy == "" {
			continue
		}
		d := documentAt(s.policies, e.Policy, e.Index)
		if e.Policy == policy.ResourcePolicy {
			root := tree.MustParse(d.JSON())
			if gone := root.DropUniqueIDs(); len(gone) > 0 {
				d = parse(root)
				e.Text += "; and take out " + quoted(gone) + ", of deleted identities, since AWS does not store them"
			}
		}
		if s.request.Principal == "*" && s.decide().Decision == policy.Allowed {
			e.Text += ", for everyone"
			if e.Policy == policy.ResourcePolicy && strings.HasPrefix(strings.ToLower(s.request.Action), "s3:") {
				e.Text += ": S3's Block Public Access refuses such a policy unless it is switched off"
			}
		}
		if d == nil || empty(d) {
			e.Text += "; nothing else is in the policy, so delete it or detach it"
		} else {
			e.Document = d
		}
	}
	return Change{Decision: s.decide().Decision, Edits: s.edits}
}

// emptied reports whether an edit has left a document without statements.
func (s *search) emptied() bool {
	return slices.ContainsFunc(s.edits, func(e Edit) bool { return e.Policy != "" && empty(documentAt(s.policies, e.Policy, e.Index)) })
}

// empty reports whether AWS would not store the document.
func empty(d *policy.Document) bool { return len(tree.MustParse(d.JSON()).Statements().Items) == 0 }

// blocker is what stands between the request and its permission: a Deny, or a
// layer that does not allow.
type blocker struct {
	denying policy.Ref
	missing policy.Layer // empty: it is the Deny
	level   int          // of the organization, that does not allow
}

// next returns the blocker to clear first. Denials go from the last statement to
// the first, so that the places of those to come stay; of what is missing, the
// resource's policy first, since within an account it can make others needless.
func (s *search) next(r policy.Result) blocker {
	if r.Decision == policy.ExplicitlyDenied {
		return blocker{denying: r.DecidedBy[len(r.DecidedBy)-1]}
	}
	b := blocker{missing: r.Missing[0]}
	switch {
	case slices.Contains(r.Missing, policy.ResourcePolicy):
		b.missing = policy.ResourcePolicy
	case b.missing == policy.SCP:
		for s.allowsAt(b.level) {
			b.level++
		}
	}
	return b
}

// allowsAt reports whether a level of the organization allows the request.
func (s *search) allowsAt(level int) bool {
	alone := policy.Policies{SCP: s.policies.SCP[level : level+1]}
	return !slices.Contains(policy.Evaluate(s.request, alone).Missing, policy.SCP)
}

// candidate is an edit that may clear a blocker.
type candidate struct {
	cost int // the order in which to try
	edit Edit
	make func(root *tree.Node) bool // alters the document; nil for the request
}

// The costs of candidates.
const (
	askOtherwise = iota
	exceptMore
	narrowDeny
	allowMore
	allowAnew
	dropDenied
	exemptPrincipal
	dropStatement
)

// candidates are for the blocker.
func (s *search) candidates(b blocker) []candidate {
	if b.missing != "" {
		return s.grants(b)
	}
	return s.exceptions(b.denying)
}

// try makes the first of the candidates, by cost, that does what it is to do.
func (s *search) try(candidates []candidate, cleared func(trial *search) bool) bool {
	slices.SortStableFunc(candidates, func(a, b candidate) int { return a.cost - b.cost })
	for _, c := range candidates {
		trial := search{s.request, s.policies, slices.Clone(s.edits)}
		if !s.asksAgain(c.edit) && trial.apply(c) && cleared(&trial) {
			*s = trial
			return true
		}
	}
	return false
}

// asksAgain reports whether the edit would ask once more with another value of a key.
func (s *search) asksAgain(e Edit) bool {
	return e.Policy == "" && slices.ContainsFunc(s.edits, func(made Edit) bool { return strings.EqualFold(made.Pointer, e.Pointer) })
}

// clears reports whether the blocker is gone and nothing new denies.
func (s *search) clears(b blocker, before policy.Result) bool {
	after := s.decide()
	switch {
	case after.Decision == policy.Allowed:
		return true
	case b.missing == "":
		return after.Decision != policy.ExplicitlyDenied || len(after.DecidedBy) < len(before.DecidedBy)
	case after.Decision == policy.ExplicitlyDenied:
		return false
	case b.missing == policy.SCP:
		return s.allowsAt(b.level)
	default:
		return !slices.Contains(after.Missing, b.missing)
	}
}

// apply makes an edit. It is false when the document cannot be so changed.
func (s *search) apply(c candidate) bool {
	s.edits = append(s.edits, c.edit)
	if c.make == nil {
		s.request = withContext(s.request, tree.Parts(c.edit.Pointer)[1], c.edit.Value)
		return true
	}
	root := tree.Object("Version", "2012-10-17", "Statement", tree.List())
	if d := documentAt(s.policies, c.edit.Policy, c.edit.Index); d != nil {
		root = tree.MustParse(d.JSON())
	}
	if !c.make(root) {
		return false
	}
	d := parse(root)
	if d == nil {
		return false
	}
	s.policies = replaced(s.policies, c.edit.Policy, c.edit.Index, d)
	return true
}
