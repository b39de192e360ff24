package lint

import (
	"cmp"
	"strings"

	"github.com/rolecall/rolecall"
	"github.com/rolecall/rolecall/policy"
)

// What the connection's own documents allow, the pasted one should.
var accessMissing = rule{
	code: "access-missing", severity: Error,
	title: "the connection needs something that the document does not allow",
	kinds: []policy.Kind{policy.TrustDocument, policy.PermissionsDocument, policy.BucketDocument, policy.KeyDocument},
	check: func(p *pass) {
		if p.kit() == nil || p.root == nil {
			return
		}
		document, err := policy.Parse(p.root.JSON())
		if err != nil {
			return // other rules say so
		}
		kit, err := policy.Generate(*p.kit())
		if err != nil {
			return // the connection is at fault, and checked elsewhere
		}
		right := kit.Document(p.kind)
		if right == nil {
			return
		}
		wanted := read(string(right.JSON()))[0].root
		for _, want := range statementsOf(wanted) {
			if want.allow {
				p.missing(document, want)
			}
		}
	},
}

// missing reports the actions of a statement of the kit that the document does
// not allow. The fix adds the statement with these; against a Deny it would be
// of no use.
func (p *pass) missing(document *policy.Document, want *statement) {
	var lacking, denied []string
	for _, a := range want.actions() {
		switch p.decide(document, want, a.Text) {
		case policy.ImplicitlyDenied:
			lacking = append(lacking, a.Text)
		case policy.ExplicitlyDenied:
			denied = append(denied, a.Text)
		case policy.Allowed:
		}
	}
	where := strings.Join(want.Get("Resource").Strings(), ", ")
	switch p.kind {
	case policy.TrustDocument:
		where = "the role"
	case policy.KeyDocument:
		where = "the key"
	}
	if len(denied) > 0 {
		p.report(found{
			at: p.root, message: strings.Join(denied, ", ") + " on " + where + " is denied, and the connection needs it",
			hint: "narrow the Deny; rolecall policy simulate names the statement",
		})
	}
	if len(lacking) == 0 || len(p.allows()) == 0 && p.denies() {
		return // a document that only denies comes with another that allows
	}
	p.report(found{
		at: p.root, message: strings.Join(lacking, ", ") + " on " + where + " is not allowed, and the connection needs it",
		hint: "add the statement that rolecall policy generate gives", widens: true,
		fix: func() {
			add := want.Clone()
			add.Set("Action", single(lacking))
			for _, s := range p.statements {
				if sid := s.Get("Sid"); sid != nil && sid.Text == want.Get("Sid").Text {
					add.Remove("Sid")
				}
			}
			p.addStatement(add)
		},
	})
}

// decide tries the action on what the statement names, as each principal with
// each external id, or as a session of the role. It returns the first decision
// that is not to allow it.
func (p *pass) decide(document *policy.Document, want *statement, action string) policy.Decision {
	role := p.kit().Connection.RoleARN
	arn, err := rolecall.ParseRoleARN(role)
	if err != nil {
		return policy.Allowed // the connection is at fault
	}
	policies := policy.Policies{Identity: []*policy.Document{everything}, Resource: document}
	var requests []policy.Request
	switch p.kind {
	case policy.TrustDocument:
		for _, who := range p.kit().Principals {
			for _, id := range p.kit().ExternalIDs {
				requests = append(requests, policy.Request{
					Principal: who, Action: action, Resource: role, Account: arn.Account, Context: map[string][]string{externalID: {id}},
				})
			}
		}
	case policy.PermissionsDocument:
		policies = policy.Policies{Identity: []*policy.Document{document}, Resource: byAccount(arn)}
		requests = p.sessions(want, action, arn.Account)
	case policy.BucketDocument:
		requests = p.sessions(want, action, cmp.Or(p.kit().Connection.BucketOwner, arn.Account))
	case policy.KeyDocument:
		key, err := rolecall.ParseARN(p.key())
		if err != nil {
			return policy.Allowed // the bucket's own choice of key is not known
		}
		requests = p.sessions(want, action, key.Account)
		for i := range requests {
			requests[i].Resource = p.key()
		}
	case policy.WorkerDocument:
	}
	for _, r := range requests {
		if d := policy.Evaluate(r, policies).Decision; d != policy.Allowed {
			return d
		}
	}
	return policy.Allowed
}

// sessions returns the requests of a session of the connection's role, one for
// each resource of the statement, with what its conditions ask for.
func (p *pass) sessions(want *statement, action, owner string) []policy.Request {
	role, err := rolecall.ParseRoleARN(p.kit().Connection.RoleARN)
	if err != nil {
		return nil
	}
	context := map[string][]string{"aws:PrincipalArn": {role.String()}, "aws:SecureTransport": {"true"}}
	for _, c := range want.conditions() {
		context[c.key] = []string{sample(c.values.Each()[0].Text)}
	}
	session := rolecall.ARN{Partition: role.Partition, Service: "sts", Account: role.Account, Resource: "assumed-role/" + role.RoleName() + "/rolecall"}
	var out []policy.Request
	if action == "s3:PutObject" {
		p.encrypt(context)
	}
	for _, resource := range want.Get("Resource").Strings() {
		out = append(out, policy.Request{Principal: session.String(), Action: action, Resource: sample(resource), Account: owner, Context: context})
	}
	return out
}

// encrypt sets the headers of an upload that the connection's jobs send.
func (p *pass) encrypt(context map[string][]string) {
	e := p.kit().Connection.Encryption
	if e == nil {
		return
	}
	const header = "s3:x-amz-server-side-encryption"
	context[header] = []string{e.Type}
	if e.Key != "" {
		context[header+"-aws-kms-key-id"] = []string{e.Key}
	}
}

// everything is a policy that allows all, for sides that are not judged.
var everything = must(`{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"*","Resource":"*"}}`)

// byAccount is a resource's policy that leaves it to the account's identities.
func byAccount(arn rolecall.ARN) *policy.Document {
	return must(`{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":{"AWS":"arn:` + arn.Partition + `:iam::` + arn.Account + `:root"},"Action":"*","Resource":"*"}}`)
}

// must parses a document that is right by construction.
func must(document string) *policy.Document {
	d, err := policy.Parse([]byte(document))
	if err != nil {
		panic("lint: " + err.Error())
	}
	return d
}

// sample returns a text that a pattern of the kit's matches.
func sample(pattern string) string {
	return strings.NewReplacer("${*}", "*", "${?}", "?", "${$}", "$", "*", "sample").Replace(pattern)
}
