package lint

import (
	"cmp"
	"slices"
	"strings"

	"github.com/rolecall/rolecall"
	"github.com/rolecall/rolecall/policy"
	"github.com/rolecall/rolecall/policy/internal/known"
	"github.com/rolecall/rolecall/policy/internal/tree"
)

// need is a statement that the connection's own documents have, and how the
// pasted document meets it.
type need struct {
	statement       *statement
	where           string
	lacking, denied []string // actions that are not allowed, whatever is unknown
	open            []string // actions whose decision hangs on what is not known here
	keys            []string // the condition keys that it hangs on
}

// needs judges the document by what the connection needs; without a connection
// there is nothing to judge by.
func (p *pass) needs() []need {
	if p.kit() == nil || p.root == nil {
		return nil
	}
	if _, err := policy.Parse(p.root.JSON()); err != nil {
		return nil // other rules say so
	}
	kit, err := policy.Generate(*p.kit())
	if err != nil {
		return nil // the connection is at fault, and checked elsewhere
	}
	right, deniesOnly := kit.Document(p.kind), false
	if right == nil && p.kind != policy.WorkerDocument {
		// In one account the role's own policy allows it, and a Deny counts all the same.
		right, deniesOnly = kit.Permissions, true
	}
	if right == nil {
		return nil
	}
	var out []need
	for _, want := range statementsOf(read(string(right.JSON()))[0].root) {
		if !want.allow || deniesOnly && !p.kind.Decides(strings.SplitN(want.actions()[0].Text, ":", 2)[0]) {
			continue
		}
		n := p.judge(want)
		if deniesOnly {
			n.lacking = nil
		}
		out = append(out, n)
	}
	return out
}

// judge decides each action of a statement of the kit by the document.
func (p *pass) judge(want *statement) need {
	out := need{statement: want, where: strings.Join(want.Get("Resource").Strings(), ", ")}
	switch p.kind {
	case policy.TrustDocument:
		out.where = "the role"
	case policy.KeyDocument:
		out.where = "the key"
	}
	for _, a := range want.actions() {
		decision, keys := p.decide(want, a.Text)
		switch {
		case decision == policy.ImplicitlyDenied:
			out.lacking = append(out.lacking, a.Text)
		case decision == policy.ExplicitlyDenied:
			out.denied = append(out.denied, a.Text)
		case len(keys) > 0:
			out.open, out.keys = append(out.open, a.Text), append(out.keys, keys...)
		}
	}
	slices.Sort(out.keys)
	out.keys = slices.Compact(out.keys)
	return out
}

// decide tries the action on what the statement names, as each principal with
// each external id, or as a session of the role. It returns the first decision
// that is not to allow it, and else the condition keys that it hangs on.
func (p *pass) decide(want *statement, action string) (policy.Decision, []string) {
	requests, among := p.requests(want, action)
	var keys []string
	for _, r := range requests {
		decision, open := known.Judge(p.root, r, among)
		if decision != policy.Allowed {
			return decision, nil
		}
		keys = append(keys, open...)
	}
	return policy.Allowed, keys
}

// requests returns those of the connection's for an action of a statement of the kit, and
// the policies among which the document decides them.
func (p *pass) requests(want *statement, action string) ([]policy.Request, func(*policy.Document) policy.Policies) {
	among := func(d *policy.Document) policy.Policies {
		return policy.Policies{Identity: []*policy.Document{everything}, Resource: d}
	}
	role := p.kit().Connection.RoleARN
	arn, err := rolecall.ParseRoleARN(role)
	if err != nil {
		return nil, among // the connection is at fault
	}
	owner := cmp.Or(p.kit().Connection.BucketOwner, arn.Account)
	switch p.kind {
	case policy.TrustDocument:
		var out []policy.Request
		for _, who := range p.kit().Principals {
			for _, id := range p.kit().ExternalIDs {
				out = append(out, policy.Request{
					Principal: who, Action: action, Resource: role, Account: arn.Account, Context: map[string][]string{externalID: {id}},
				})
			}
		}
		return out, among
	case policy.PermissionsDocument:
		among = func(d *policy.Document) policy.Policies {
			return policy.Policies{Identity: []*policy.Document{d}, Resource: byAccount(arn)}
		}
		if key, err := rolecall.ParseARN(p.key()); err == nil && policy.KeyDocument.Decides(strings.SplitN(action, ":", 2)[0]) {
			owner = key.Account
		}
		return p.sessions(want, action, owner), among
	case policy.BucketDocument:
		return p.sessions(want, action, owner), among
	case policy.KeyDocument:
		key, err := rolecall.ParseARN(p.key())
		if err != nil {
			return nil, among // the bucket's own choice of key is not known
		}
		out := p.sessions(want, action, key.Account)
		for i := range out {
			out[i].Resource = p.key()
		}
		return out, among
	case policy.WorkerDocument:
	}
	return nil, among
}

// sendable reports whether uploads are denied that pass with other headers than
// the connection's, and what to give the connection for that.
func (p *pass) sendable() (hint string, denied bool) {
	if p.kit() == nil || p.kind != policy.BucketDocument || p.kit().Connection.Purpose != rolecall.Delivery {
		return "", false
	}
	if denied = p.uploadDenied(p.kit().Connection); !denied {
		return "", false
	}
	var keys, acls, classes []string
	for _, s := range p.statements {
		for _, c := range s.on(keyHeader) {
			keys = append(keys, c.values.Strings()...)
		}
		for _, c := range s.on("s3:x-amz-acl") {
			acls = append(acls, c.values.Strings()...)
		}
		for _, c := range s.on("s3:x-amz-storage-class") {
			classes = append(classes, c.values.Strings()...)
		}
	}
	encryptions := []*rolecall.Encryption{p.kit().Connection.Encryption, {Type: "AES256"}, {Type: "aws:kms"}}
	for _, key := range keys {
		encryptions = append(encryptions, &rolecall.Encryption{Type: "aws:kms", Key: key})
	}
	for _, encryption := range encryptions {
		for _, acl := range append([]string{p.kit().Connection.ACL}, acls...) {
			for _, class := range append([]string{p.kit().Connection.StorageClass}, classes...) {
				other := p.kit().Connection
				other.Encryption, other.ACL, other.StorageClass = encryption, acl, class
				if other.Validate() == nil && !p.uploadDenied(other) {
					return changeOf(p.kit().Connection, other), true
				}
			}
		}
	}
	return "", true
}

// uploadDenied reports whether the document denies uploads of a connection.
func (p *pass) uploadDenied(c rolecall.Connection) bool {
	with := *p
	kit := *p.kit()
	kit.Connection = c
	with.options.Kit = &kit
	for _, n := range with.needs() {
		if slices.Contains(n.denied, "s3:PutObject") {
			return true
		}
	}
	return false
}

// changeOf says what to set in a connection to make it another.
func changeOf(c, other rolecall.Connection) string {
	var set []string
	if e := other.Encryption; e != c.Encryption {
		switch had := c.Encryption != nil && c.Encryption.Key != ""; {
		case e.Key != "":
			set = append(set, "encryption.type to "+e.Type, "encryption.key to "+e.Key)
		case had:
			set = append(set, "encryption.type to "+e.Type+", without encryption.key,")
		default:
			set = append(set, "encryption.type to "+e.Type)
		}
	}
	if other.ACL != c.ACL {
		set = append(set, "acl to "+other.ACL)
	}
	if other.StorageClass != c.StorageClass {
		set = append(set, "storage_class to "+other.StorageClass)
	}
	return "set " + strings.Join(set, " and ") + " in the connection"
}

// keepConditions puts those conditions on a new Allow that the document asks of
// the same caller elsewhere, such as an address: what the customer limits stays
// limited. It is false where statements differ in them, or where no request can
// meet one.
func (p *pass) keepConditions(add *tree.Node) bool {
	to := &statement{Node: add}
	for _, s := range p.allows() {
		for _, c := range s.conditions() {
			if !p.sameCaller(s, to) {
				continue
			}
			if !p.ofEveryCall(c, to) {
				if slices.ContainsFunc(secondFactor, func(k string) bool { return strings.EqualFold(k, c.key) }) || p.limitsOtherwise(s, c, to) {
					return false
				}
				continue
			}
			judged := *p
			judged.findings = nil
			judged.values(s, c)
			if slices.ContainsFunc(judged.findings, func(f Finding) bool { return f.Severity == Error }) {
				return false
			}
			switch has := add.Get("Condition").Get(c.operator).Fold(c.key); {
			case has == nil:
				to.addCondition(c.operator, c.key, c.values.Clone())
			case string(has.Value.JSON()) != string(c.values.JSON()):
				return false
			}
		}
	}
	return true
}

// ofEveryCall reports whether a condition is about the caller and the way, not
// about what the statement that it stands in is for.
func (p *pass) ofEveryCall(c condition, to *statement) bool {
	switch strings.ToLower(c.key) {
	case "sts:externalid", "s3:prefix", "s3:delimiter", "s3:max-keys", "aws:multifactorauthpresent", "aws:multifactorauthage":
		return false
	}
	return !slices.ContainsFunc(to.actions(), func(a *tree.Node) bool {
		action := exact(a.Text)
		return action == nil || !action.hasKey(c.key)
	})
}

// limitsOtherwise reports whether a condition limits one of the same actions by a
// key that requests for it never have: whoever wrote it must say what is meant.
func (p *pass) limitsOtherwise(s *statement, c condition, to *statement) bool {
	return slices.ContainsFunc(to.actions(), func(a *tree.Node) bool {
		action := exact(a.Text)
		allowed := slices.ContainsFunc(s.actions(), func(b *tree.Node) bool { return glob(strings.ToLower(b.Text), strings.ToLower(a.Text)) })
		return action != nil && allowed && !action.hasKey(c.key)
	})
}

// sameCaller reports whether a statement's principals are those of another, in part.
func (p *pass) sameCaller(s, other *statement) bool {
	if s.Get("Principal") == nil || other.Get("Principal") == nil {
		return true
	}
	return slices.ContainsFunc(s.principals(), func(a principal) bool {
		return slices.ContainsFunc(other.principals(), func(b principal) bool {
			whole := accountOf(a) != "" || accountOf(b) != ""
			return a.anyone() || a.Text == b.Text || whole && a.kind == b.kind && accountIn(a.Text) == accountIn(b.Text)
		})
	})
}

// accountIn returns the account of a principal.
func accountIn(text string) string {
	if rolecall.IsAccountID(text) {
		return text
	}
	arn, err := rolecall.ParseARN(text)
	if err != nil {
		return ""
	}
	return arn.Account
}

// sessions returns the requests of a session of the connection's role, one for
// each resource of the statement, with what its conditions ask for.
func (p *pass) sessions(want *statement, action, owner string) []policy.Request {
	role, err := rolecall.ParseRoleARN(p.kit().Connection.RoleARN)
	if err != nil {
		return nil
	}
	connection := p.kit().Connection
	context := map[string][]string{"aws:PrincipalArn": {role.String()}}
	switch service, _, _ := strings.Cut(action, ":"); {
	case connection.Region == "":
	case service == "kms":
		context["kms:ViaService"] = []string{"s3." + connection.Region + "." + policy.DNSSuffix(role.Partition)}
		context["kms:CallerAccount"] = []string{role.Account}
		fallthrough
	default:
		context["aws:RequestedRegion"] = []string{connection.Region}
	}
	for _, c := range want.conditions() {
		context[c.key] = []string{sample(c.values.Each()[0].Text)}
	}
	session := rolecall.ARN{Partition: role.Partition, Service: "sts", Account: role.Account, Resource: "assumed-role/" + role.RoleName() + "/rolecall"}
	var out []policy.Request
	if action == "s3:PutObject" {
		p.encrypt(context)
		for key, value := range map[string]string{"s3:x-amz-acl": connection.ACL, "s3:x-amz-storage-class": connection.StorageClass} {
			if value != "" {
				context[key] = []string{value}
			}
		}
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
