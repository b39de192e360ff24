package main

import (
	"fmt"
	"math/rand/v2"
	"strings"
)

// Case is a line for policy simulate.
type Case struct {
	Principal string         `json:"principal"`
	Action    string         `json:"action"`
	Resource  string         `json:"resource"`
	Account   string         `json:"account"`
	Context   map[string]any `json:"context"`
	Identity  []document     `json:"identity,omitempty"`
	Policy    *document      `json:"resource_policy,omitempty"`
	Session   *document      `json:"session,omitempty"`
	Boundary  []document     `json:"boundary,omitempty"`
	SCP       [][]document   `json:"scp,omitempty"`
	RCP       [][]document   `json:"rcp,omitempty"`
}

type document struct {
	Version   string      `json:"Version"`
	Statement []statement `json:"Statement"`
}

type statement struct {
	Effect       string                    `json:"Effect"`
	Principal    any                       `json:"Principal,omitempty"`
	NotPrincipal any                       `json:"NotPrincipal,omitempty"`
	Action       any                       `json:"Action,omitempty"`
	NotAction    any                       `json:"NotAction,omitempty"`
	Resource     any                       `json:"Resource,omitempty"`
	NotResource  any                       `json:"NotResource,omitempty"`
	Condition    map[string]map[string]any `json:"Condition,omitempty"`
}

const (
	home     = "111111111111" // the requester's account
	away     = "222222222222"
	provider = "arn:aws:iam::" + home + ":oidc-provider/idp.example.com"
)

// policyKind is whether a policy's statements name principals.
type policyKind int

const (
	identityPolicy policyKind = iota // or a boundary or SCP
	sessionPolicy                    // has no incomplete ARN
	resourcePolicy                   // names principals
)

// generator makes random cases that are well formed and likely to matter: most
// parts of most policies are similar to the request.
type generator struct {
	*rand.Rand
	c      Case
	action action
}

func newGenerator(seed uint64) *generator {
	return &generator{Rand: rand.New(rand.NewPCG(seed, 2))}
}

func pick[T any](g *generator, from ...T) T { return from[g.IntN(len(from))] }

func (g *generator) chance(percent int) bool { return g.IntN(100) < percent }

// oneOrMore returns one value, or a list of one or two.
func oneOrMore(g *generator, value func() string) any {
	if g.chance(60) {
		return value()
	}
	list := []string{value()}
	if g.chance(60) {
		list = append(list, value())
	}
	return list
}

func (g *generator) next() Case {
	g.action = pick(g, actions...)
	account := pick(g, home, home, away)
	who := g.principal()
	if g.action.forProviders {
		who, account = provider, home // IAM looks for the provider in the role's account
	}
	g.c = Case{
		Principal: who, Action: g.action.name, Resource: pick(g, g.action.resources(account)...), Account: account,
		Context: map[string]any{},
	}
	for _, k := range append(globalKeys, g.action.keys...) {
		if !k.derived && g.chance(55) {
			g.c.Context[k.name] = k.value(g)
		}
	}
	if g.chance(5) { // many keys are looked up in another way
		for i := range 30 {
			g.c.Context[fmt.Sprintf("aws:RequestTag/other%d", i)] = "x"
		}
	}
	inAccount := g.c.Principal != "*" && g.c.Principal != "ec2.amazonaws.com" && g.c.Principal != provider
	if inAccount && g.chance(85) {
		g.c.Identity = g.documents(identityPolicy)
	}
	if g.action.hasPolicy && g.chance(75) || !inAccount || g.action.needsPolicy {
		d := g.document(resourcePolicy)
		g.c.Policy = &d
	}
	if inAccount && g.chance(15) {
		g.c.Boundary = g.documents(identityPolicy)[:1]
	}
	if isSession(g.c.Principal) && g.chance(20) {
		d := g.document(sessionPolicy)
		g.c.Session = &d
	}
	if inAccount && g.chance(20) {
		for range 1 + g.IntN(2) {
			level := g.documents(identityPolicy)
			for i := range level {
				level[i].Version = "2012-10-17"
			}
			g.c.SCP = append(g.c.SCP, level)
		}
	}
	if g.action.hasPolicy && g.chance(15) {
		d := g.document(resourcePolicy)
		for i := range d.Statement {
			s := &d.Statement[i]
			d.Version = "2012-10-17"
			*s = statement{Effect: "Deny", Principal: "*", Action: oneOrMore(g, g.rcpAction), Resource: "*", Condition: s.Condition}
		}
		g.c.RCP = [][]document{{d}}
	}
	return g.c
}

func (g *generator) principal() string {
	return pick(g, "arn:aws:iam::"+home+":user/bob", "arn:aws:iam::"+home+":role/worker",
		"arn:aws:sts::"+home+":assumed-role/worker/job", "arn:aws:sts::"+home+":assumed-role/worker/job",
		"arn:aws:sts::"+home+":federated-user/fred", "arn:aws:iam::"+home+":root", "ec2.amazonaws.com", "*",
		"arn:aws-cn:iam::"+home+":user/bob", "arn:aws-cn:sts::"+home+":assumed-role/worker/job")
}

// trusts reports whether the resource's policy is a trust policy.
func (g *generator) trusts() bool { return strings.HasPrefix(g.action.name, "sts:") }

func isSession(principal string) bool {
	return len(principal) > 12 && principal[:12] == "arn:aws:sts:"
}

func (g *generator) documents(k policyKind) []document {
	out := []document{g.document(k)}
	if g.chance(30) {
		out = append(out, g.document(k))
	}
	return out
}

func (g *generator) document(k policyKind) document {
	d := document{Version: pick(g, "2012-10-17", "2012-10-17", "2012-10-17", "2012-10-17", "2008-10-17")}
	for range 1 + g.IntN(3) {
		d.Statement = append(d.Statement, g.statement(k))
	}
	return d
}

func (g *generator) statement(k policyKind) statement {
	s := statement{Effect: "Allow"}
	if g.chance(22) {
		s.Effect = "Deny"
	}
	if k == resourcePolicy {
		if s.Effect == "Deny" && g.chance(15) && !g.trusts() {
			s.NotPrincipal = g.principals()
		} else {
			s.Principal = g.principals()
		}
	}
	if g.chance(12) {
		s.NotAction = oneOrMore(g, g.actionPattern)
	} else {
		s.Action = oneOrMore(g, g.actionPattern)
	}
	switch {
	case k == resourcePolicy && g.trusts():
	case g.chance(12):
		s.NotResource = oneOrMore(g, func() string { return g.resourcePattern(k) })
	default:
		s.Resource = oneOrMore(g, func() string { return g.resourcePattern(k) })
	}
	for range g.IntN(3) {
		if op, key, values, ok := g.condition(); ok {
			if s.Condition == nil {
				s.Condition = map[string]map[string]any{}
			}
			if s.Condition[op] == nil {
				s.Condition[op] = map[string]any{}
			}
			s.Condition[op][key] = values
		}
	}
	return s
}

func (g *generator) principals() any {
	aws := func() string {
		return pick(g, "*", home, away, "arn:aws:iam::"+home+":root", "arn:aws:iam::"+away+":root",
			"arn:aws:iam::"+home+":user/bob", "arn:aws:iam::"+home+":user/eve", "arn:aws:iam::"+home+":role/worker",
			"arn:aws-cn:iam::"+home+":user/bob", "arn:aws-cn:iam::"+home+":root",
			"arn:aws:iam::"+home+":role/other", "arn:aws:sts::"+home+":assumed-role/worker/job",
			"arn:aws:sts::"+home+":assumed-role/worker/other", "arn:aws:sts::"+home+":federated-user/fred",
			g.requester(), g.requester())
	}
	if g.action.forProviders && g.chance(70) {
		return map[string]any{"Federated": oneOrMore(g, func() string {
			return pick(g, provider, provider, "arn:aws:iam::"+away+":oidc-provider/idp.example.com", "arn:aws:iam::"+home+":saml-provider/idp", "accounts.google.com")
		})}
	}
	switch g.IntN(10) {
	case 0:
		return "*"
	case 1:
		return map[string]any{"Service": oneOrMore(g, func() string { return pick(g, "ec2.amazonaws.com", "s3.amazonaws.com") })}
	case 2:
		return map[string]any{"Service": "ec2.amazonaws.com", "AWS": oneOrMore(g, aws)}
	default:
		return map[string]any{"AWS": oneOrMore(g, aws)}
	}
}

// requester returns the requester's ARN, or * if it has none.
func (g *generator) requester() string {
	if len(g.c.Principal) > 20 && g.c.Principal != provider { // which stands under Federated
		return g.c.Principal
	}
	return "*"
}
