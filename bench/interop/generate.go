package main

import (
	"math/rand/v2"
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
	home = "111111111111" // the requester's account
	away = "222222222222"
)

// generator makes random cases that are well formed and likely to matter: most
// parts of most policies are near the request.
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

// some gives one value, or a list of one or two.
func some(g *generator, value func() string) any {
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
	g.c = Case{
		Principal: g.principal(), Action: g.action.name, Resource: pick(g, g.action.resources(account)...), Account: account,
		Context: map[string]any{},
	}
	for _, k := range append(globalKeys, g.action.keys...) {
		if !k.derived && g.chance(55) {
			g.c.Context[k.name] = k.value(g)
		}
	}
	inAccount := g.c.Principal != "*" && g.c.Principal != "ec2.amazonaws.com"
	if inAccount && g.chance(85) {
		g.c.Identity = g.documents(false)
	}
	if g.action.policed && g.chance(75) || !inAccount || g.action.required {
		d := g.document(true)
		g.c.Policy = &d
	}
	if inAccount && g.chance(15) {
		g.c.Boundary = g.documents(false)[:1]
	}
	if session(g.c.Principal) && g.chance(20) {
		d := g.document(false)
		g.c.Session = &d
	}
	if inAccount && g.chance(20) {
		for range 1 + g.IntN(2) {
			g.c.SCP = append(g.c.SCP, g.documents(false))
		}
	}
	if g.action.policed && g.chance(15) {
		d := g.document(true)
		for i := range d.Statement {
			s := &d.Statement[i]
			*s = statement{Effect: "Deny", Principal: "*", Action: some(g, g.rcpAction), Resource: "*", Condition: s.Condition}
		}
		g.c.RCP = [][]document{{d}}
	}
	return g.c
}

func (g *generator) principal() string {
	return pick(g, "arn:aws:iam::"+home+":user/bob", "arn:aws:iam::"+home+":role/worker",
		"arn:aws:sts::"+home+":assumed-role/worker/job", "arn:aws:sts::"+home+":assumed-role/worker/job",
		"arn:aws:sts::"+home+":federated-user/fred", "ec2.amazonaws.com", "*")
}

func session(principal string) bool {
	return len(principal) > 12 && principal[:12] == "arn:aws:sts:"
}

func (g *generator) documents(named bool) []document {
	out := []document{g.document(named)}
	if g.chance(30) {
		out = append(out, g.document(named))
	}
	return out
}

func (g *generator) document(named bool) document {
	d := document{Version: "2012-10-17"}
	for range 1 + g.IntN(3) {
		d.Statement = append(d.Statement, g.statement(named))
	}
	return d
}

func (g *generator) statement(named bool) statement {
	s := statement{Effect: "Allow"}
	if g.chance(22) {
		s.Effect = "Deny"
	}
	if named {
		if s.Effect == "Deny" && g.chance(15) {
			s.NotPrincipal = g.who()
		} else {
			s.Principal = g.who()
		}
	}
	if g.chance(12) {
		s.NotAction = some(g, g.actionPattern)
	} else {
		s.Action = some(g, g.actionPattern)
	}
	switch {
	case named && g.action.required && g.action.name[:3] == "sts": // a trust policy
	case g.chance(12):
		s.NotResource = some(g, g.resourcePattern)
	default:
		s.Resource = some(g, g.resourcePattern)
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

func (g *generator) who() any {
	aws := func() string {
		return pick(g, "*", home, away, "arn:aws:iam::"+home+":root", "arn:aws:iam::"+away+":root",
			"arn:aws:iam::"+home+":user/bob", "arn:aws:iam::"+home+":user/eve", "arn:aws:iam::"+home+":role/worker",
			"arn:aws:iam::"+home+":role/other", "arn:aws:sts::"+home+":assumed-role/worker/job",
			"arn:aws:sts::"+home+":assumed-role/worker/other", "arn:aws:sts::"+home+":federated-user/fred",
			g.known(), g.known())
	}
	switch g.IntN(10) {
	case 0:
		return "*"
	case 1:
		return map[string]any{"Service": some(g, func() string { return pick(g, "ec2.amazonaws.com", "s3.amazonaws.com") })}
	case 2:
		return map[string]any{"Service": "ec2.amazonaws.com", "AWS": some(g, aws)}
	default:
		return map[string]any{"AWS": some(g, aws)}
	}
}

// known gives an ARN that names the requester, where it is an ARN.
func (g *generator) known() string {
	if len(g.c.Principal) > 20 {
		return g.c.Principal
	}
	return "*"
}
