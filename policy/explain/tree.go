package explain

import (
	"fmt"
	"slices"
	"strings"

	"github.com/rolecall/rolecall/policy"
	"github.com/rolecall/rolecall/policy/internal/tree"
)

// Decision is the answer to a request and how the policies came to it.
type Decision struct {
	policy.Result
	// AlsoMissing are, of an explicit denial, the layers that would have to
	// allow once no statement denies.
	AlsoMissing []policy.Layer `json:"also_missing,omitempty"`
	Layers      []Branch       `json:"layers"`
}

// Branch is what one layer says. Layers without policies that need not say
// anything are left out. None is there when policies have no say.
type Branch struct {
	Policy    policy.Layer `json:"policy"`
	Outcome   Outcome      `json:"outcome"`
	Why       string       `json:"why"`
	Documents []Leaves     `json:"documents"`
}

// Outcome is what a layer adds to a decision.
type Outcome string

// The outcomes.
const (
	Allows    Outcome = "allows"
	Denies    Outcome = "denies"
	Lacks     Outcome = "lacks"      // it must allow, and does not
	NotNeeded Outcome = "not_needed" // it neither allows nor must
)

// Leaves are the statements of one document, by its index in the layer.
type Leaves struct {
	Index      int         `json:"index"`
	Statements []Statement `json:"statements"`
}

// Statement is how one statement met the request.
type Statement struct {
	Statement int     `json:"statement"`
	Sid       string  `json:"sid,omitempty"`
	Effect    string  `json:"effect"`
	Matched   bool    `json:"matched"`
	Unmet     []Unmet `json:"unmet,omitempty"` // why it did not match
}

// Unmet is an element of a statement that the request does not meet.
type Unmet struct {
	Element  string   `json:"element"` // Principal, Action, …, Condition
	Pointer  string   `json:"pointer"`
	Operator string   `json:"operator,omitempty"` // of a condition
	Key      string   `json:"key,omitempty"`      // of a condition
	Wanted   []string `json:"wanted"`
	Got      []string `json:"got"` // empty: the request has no such key
}

// String says in a line what did not match.
func (u Unmet) String() string {
	if u.Element == "Condition" {
		got := "is not in the request"
		if len(u.Got) > 0 {
			got = "is " + quoted(u.Got)
		}
		return fmt.Sprintf("%s %s, %s wants %s", u.Key, got, u.Operator, quoted(u.Wanted))
	}
	noun := strings.ToLower(strings.TrimPrefix(u.Element, "Not"))
	switch {
	case len(u.Wanted) == 0:
		return "the statement names no " + noun
	case strings.HasPrefix(u.Element, "Not"):
		return fmt.Sprintf("%s excepts the %s %s", u.Element, noun, strings.Join(u.Got, ", "))
	}
	return fmt.Sprintf("%s is %s, wanted %s", noun, strings.Join(u.Got, ", "), strings.Join(u.Wanted, " or "))
}

func quoted(words []string) string {
	out := make([]string, len(words))
	for i, w := range words {
		out[i] = `"` + w + `"`
	}
	return strings.Join(out, " or ")
}

// Tree decides a request and shows what each policy contributes.
func Tree(in policy.Request, policies policy.Policies) Decision {
	t := Decision{Result: policy.Evaluate(in, policies), Layers: []Branch{}}
	if t.Refused != "" || policy.Unpoliced(in.Action) {
		return t // whatever the policies say
	}
	missing := t.Missing
	if t.Decision == policy.ExplicitlyDenied {
		t.AlsoMissing = withoutDenials(in, policies, t.DecidedBy)
		missing = t.AlsoMissing
	}
	verdicts, roots := policy.Trace(in, policies), reader{}
	for _, layer := range []policy.Layer{policy.SCP, policy.RCP, policy.ResourcePolicy, policy.Identity, policy.Boundary, policy.SessionPolicy} {
		b := Branch{Policy: layer, Documents: []Leaves{}}
		var matched []policy.Verdict
		for _, v := range verdicts {
			if v.Policy != layer {
				continue
			}
			if len(v.Unmet) == 0 {
				matched = append(matched, v)
			}
			b.leaf(v, roots.read(documentAt(policies, layer, v.Index)))
		}
		lacks := slices.Contains(missing, layer)
		if len(b.Documents) == 0 && !lacks {
			continue
		}
		b.judge(matched, lacks, in)
		t.Layers = append(t.Layers, b)
	}
	return t
}

// judge settles what the layer adds.
func (b *Branch) judge(matched []policy.Verdict, lacks bool, in policy.Request) {
	var names policy.Named
	allows, denies := false, false
	for _, v := range matched {
		allows, denies = allows || !v.Deny, denies || v.Deny
		if v.Names == policy.NamesRequester || names == "" || v.Names == policy.NamesRole && names == policy.NamesAccount {
			names = v.Names
		}
	}
	switch {
	case denies:
		b.Outcome, b.Why = Denies, "a Deny decides, whatever else allows"
	case lacks && len(b.Documents) == 0:
		b.Outcome, b.Why = Lacks, "there is none, and one must allow"
	case lacks && b.Policy == policy.SCP:
		b.Outcome, b.Why = Lacks, "every level of the organization must allow, and one does not"
	case lacks:
		b.Outcome, b.Why = Lacks, "no statement allows it, and one must"
	case !allows:
		b.Outcome, b.Why = NotNeeded, "no statement speaks of the request, and none need"
	default:
		b.Outcome, b.Why = Allows, allowing(names, accountOf(in.Principal), in.Account)
	}
}

// allowing says what an Allow is worth by whom it names, an account or who is
// in it, and whose the resource is.
func allowing(names policy.Named, caller, owner string) string {
	switch {
	case names == "" || caller == "":
		return "a statement allows it"
	case owner != "" && caller != owner:
		return "a statement allows it; from another account, its policies must allow it too"
	case names == policy.NamesRequester:
		return "a statement allows it, to the requester itself: within an account that is enough"
	case names == policy.NamesRole:
		return "a statement allows it, to the requester's role: within an account no identity policy need allow it"
	default:
		return "a statement allows it, to the requester's account, whose policies must allow it too"
	}
}

func (b *Branch) leaf(v policy.Verdict, root *tree.Node) {
	if n := len(b.Documents); n == 0 || b.Documents[n-1].Index != v.Index {
		b.Documents = append(b.Documents, Leaves{Index: v.Index})
	}
	s := Statement{Statement: v.Statement, Sid: v.Sid, Effect: "Allow", Matched: len(v.Unmet) == 0}
	if v.Deny {
		s.Effect = "Deny"
	}
	for _, u := range v.Unmet {
		s.Unmet = append(s.Unmet, unmet(u, root))
	}
	leaves := &b.Documents[len(b.Documents)-1]
	leaves.Statements = append(leaves.Statements, s)
}

func unmet(u policy.Unmet, root *tree.Node) Unmet {
	path := tree.Parts(u.Pointer)
	out := Unmet{Pointer: u.Pointer, Wanted: root.Follow(u.Pointer).Words(), Got: u.Got}
	out.Element = path[len(path)-1]
	if i := slices.Index(path, "Condition"); i >= 0 && len(path) == i+3 {
		out.Element, out.Operator, out.Key = "Condition", path[i+1], path[i+2]
	}
	if out.Wanted == nil {
		out.Wanted = []string{}
	}
	if out.Got == nil {
		out.Got = []string{}
	}
	return out
}

// withoutDenials returns what would be missing if nothing denied.
func withoutDenials(in policy.Request, policies policy.Policies, denying []policy.Ref) []policy.Layer {
	for i := len(denying); i > 0; {
		first := denying[i-1]
		root := tree.MustParse(documentAt(policies, first.Policy, first.Index).JSON())
		for i > 0 && denying[i-1].Policy == first.Policy && denying[i-1].Index == first.Index {
			i--
			removeStatement(root, denying[i].Statement)
		}
		d := parse(root)
		if d == nil {
			return nil
		}
		policies = replaced(policies, first.Policy, first.Index, d)
	}
	return policy.Evaluate(in, policies).Missing
}

// reader reads each document once.
type reader map[*policy.Document]*tree.Node

func (r reader) read(d *policy.Document) *tree.Node {
	if r[d] == nil {
		r[d] = tree.MustParse(d.JSON())
	}
	return r[d]
}
