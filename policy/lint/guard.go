package lint

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/rolecall/rolecall"
	"github.com/rolecall/rolecall/policy"
	"github.com/rolecall/rolecall/policy/internal/tree"
)

// guard keeps fixes from changing what others than the connection may do. It
// compares the decisions on a document before and after a fix, for requests that
// the changed statements speak of. A fix is not made that lets somebody else do
// what it could not, or takes from somebody else what it could do; but for rules
// that close what is open to everyone. Everyone is let in by no fix.
type guard struct {
	kind    policy.Kind
	options Options
	budget  int             // of work: statements that are matched with requests, and their like
	vendor  string          // without a connection: who is the vendor for certain
	home    string          // the bucket whose policy it is
	shared  bool            // the document takes external ids that are others' to send
	asked   map[string]bool // external ids that the document names
	filled  map[string]bool // pointers of statements that a fix completed by what the connection is
}

// guardBudget bounds the work on a document, to about a second's.
const guardBudget = 2_000_000

func newGuard(root *tree.Node, kind policy.Kind, options Options) *guard {
	g := &guard{kind: kind, options: options, budget: guardBudget, asked: map[string]bool{}, filled: map[string]bool{}}
	g.vendor = soleVendor(root)
	g.home = (&pass{options: options, statements: statementsOf(root)}).home()
	g.shared = g.sharesIDs(root)
	return g
}

// spent reports whether the bound was passed: then nothing can be said of a fix.
func (g *guard) spent() bool { return g.budget < 0 }

// harm says whom a rule's fix harms, and by what, or nothing.
func (g *guard) harm(r *rule, before, after *tree.Node) string {
	if g.budget -= len(before.JSON()) / 4; g.spent() { // to read it again
		return ""
	}
	was, is := g.sideOf(before), g.sideOf(after)
	if r.fills {
		maps.Copy(g.filled, was.broken)
	}
	without := maps.Clone(g.filled)
	maps.Copy(without, was.broken)
	was.named, is.named = g.parse(was, without), g.parse(is, without)
	for _, s := range changedStatements(was, is) {
		for _, in := range g.requests(s, was, is) {
			if why := g.harmOf(r, in, was, is); why != "" {
				return why
			}
		}
	}
	return ""
}

// harmOf decides one request before and after.
func (g *guard) harmOf(r *rule, in policy.Request, was, is *side) string {
	if everyone(in.Principal) && g.resourceKind() {
		if !g.allows(was.whole, in) && g.allows(is.whole, in) {
			return "everyone would be let in"
		}
	}
	could, can := g.allows(was.named, in), g.allows(is.named, in)
	switch {
	case could == can:
		return ""
	case can && g.mindsGain(r, in):
		return g.nameOf(in) + " could then " + doing(in)
	case could && !(r.closes && g.options.Kit != nil) && g.mindsLoss(r, in):
		return g.nameOf(in) + " could then no longer " + doing(in)
	default:
		return ""
	}
}

// nameOf says who asks.
func (g *guard) nameOf(in policy.Request) string {
	switch {
	case !g.resourceKind():
		return "whoever has the role"
	case everyone(in.Principal):
		return "others whom it lets in"
	default:
		return strings.ReplaceAll(in.Principal, sampleText, "*")
	}
}

func doing(in policy.Request) string {
	if strings.HasPrefix(in.Action, "sts:Assume") && strings.Contains(in.Resource, sampleText) {
		return "assume the role"
	}
	return fmt.Sprintf("use %s on %s", in.Action, strings.ReplaceAll(in.Resource, sampleText, "*"))
}

// resourceKind reports whether the document names principals.
func (g *guard) resourceKind() bool {
	return g.kind == policy.TrustDocument || g.kind == policy.BucketDocument || g.kind == policy.KeyDocument
}

// allows reports whether a document allows the request where the other side allows
// all.
func (g *guard) allows(d *policy.Document, in policy.Request) bool {
	if d == nil {
		return false
	}
	among := policy.Policies{Identity: []*policy.Document{everything}, Resource: d}
	if !g.resourceKind() {
		among = policy.Policies{Identity: []*policy.Document{d}, Resource: anyone}
	}
	return policy.Evaluate(in, among).Decision == policy.Allowed
}

// anyone is a resource's policy that leaves the decision to the identity's: the requests
// of the guard are across accounts.
var anyone = must(`{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":"*","Action":"*","Resource":"*"}}`)

// side is a document before or after a fix.
type side struct {
	root       *tree.Node
	version    string
	statements []*statement
	broken     map[string]bool  // pointers of statements that AWS does not store
	whole      *policy.Document // nil where AWS does not store it
	named      *policy.Document // what of it can be read, by which named principals are judged
}

func (g *guard) sideOf(root *tree.Node) *side {
	s := &side{root: policyIn(root), statements: statementsOf(root), broken: map[string]bool{}}
	s.version = "2012-10-17"
	if version := s.root.Get("Version"); version == nil || version.Text == "2008-10-17" {
		s.version = "2008-10-17"
	}
	if d, err := policy.Parse(root.JSON()); err == nil && len(rolecall.List(d.FitKind(g.kind))) == 0 {
		s.whole = d
		return s
	}
	g.budget -= len(root.JSON()) // each statement is read by itself
	for _, st := range s.statements {
		if g.readable(s.version, []*tree.Node{st.Node}) == nil {
			s.broken[st.Pointer] = true
		}
	}
	return s
}

// parse reads the document without the statements at the pointers, and without its
// own that cannot be read.
func (g *guard) parse(s *side, without map[string]bool) *policy.Document {
	if len(without) == 0 && s.whole != nil {
		return s.whole
	}
	var left []*tree.Node
	for _, st := range s.statements {
		if st.Pointer == "" && st.Node != s.root || !without[st.Pointer] && !s.broken[st.Pointer] {
			left = append(left, st.Node)
		}
	}
	return g.readable(s.version, left)
}

func (g *guard) readable(version string, statements []*tree.Node) *policy.Document {
	if len(statements) == 0 {
		return nil
	}
	d, err := policy.Parse(tree.Object("Version", version, "Statement", &tree.Node{Kind: '[', Items: statements}).JSON())
	if err != nil || len(statements) == 1 && len(rolecall.List(d.FitKind(g.kind))) > 0 {
		return nil
	}
	return d
}

// changedStatements are those that one side has and the other does not, and with
// another version those with variables: only they decide otherwise.
func changedStatements(was, is *side) []*statement {
	count := map[string]int{}
	texts := func(s *side) []string {
		var out []string
		for _, st := range s.statements {
			text := string(st.JSON())
			if strings.Contains(text, "${") {
				text = s.version + text
			}
			if (was.whole == nil) != (is.whole == nil) { // everyone is let in by all of it
				text = fmt.Sprint(s.whole == nil) + text
			}
			out = append(out, text)
		}
		return out
	}
	before, after := texts(was), texts(is)
	for _, t := range before {
		count[t]++
	}
	for _, t := range after {
		count[t]--
	}
	var out []*statement
	for i, t := range before {
		if count[t] > 0 {
			out = append(out, was.statements[i])
		}
	}
	for i, t := range after {
		if count[t] < 0 {
			out = append(out, is.statements[i])
		}
	}
	return slices.Clip(out)
}
