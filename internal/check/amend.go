package check

import (
	"bytes"
	"slices"
	"strings"

	"github.com/rolecall/rolecall"
	"github.com/rolecall/rolecall/policy"
)

// amend judges what a step found by the documents that were given: those that
// refuse what the step asked are at fault and are corrected, those that allow
// it are not.
func (w *work) amend(name string, f finding) finding {
	if f.result != rolecall.CheckFail || len(w.Policies) == 0 || w.Connection.RoleARN == "" {
		return f
	}
	c, ok := w.caseOf(name)
	if !ok {
		return f
	}
	f, settled := c.aboutTLS(f)
	if settled {
		return f
	}
	var judged []opinion
	for _, k := range kinds {
		if !c.concerns(f, k) {
			continue
		}
		if o, ok := c.judge(f, k); ok {
			judged = append(judged, o)
		}
	}
	if len(judged) == 0 {
		return f
	}
	if f.layer != "" {
		return f.told(judged)
	}
	return f.inferred(judged)
}

// hearing is what a step asked, and all that the connection asks.
type hearing struct {
	*work
	step string
	key  string // empty: none is known to be in use
	asks []ask
}

// caseOf gives what a step asked; it is false of steps that no policy decides.
func (w *work) caseOf(name string) (hearing, bool) {
	c := hearing{work: w, step: name}
	switch name {
	case rolecall.StepAssume, rolecall.StepExternalIDAbsent, rolecall.StepExternalIDRandom, rolecall.StepExternalIDNear:
		c.asks = []ask{{name, w.assumeAsk(w.Principal.ARN, w.externalID())}}
		return c, true
	case rolecall.StepOwner:
		c.step = rolecall.StepList
	case rolecall.StepRead, rolecall.StepKey, rolecall.StepCleanup: // which come after reading
		c.key = w.kept.Key
	case rolecall.StepList, rolecall.StepWrite, rolecall.StepMultipart, rolecall.StepOwnership:
	default:
		return c, false
	}
	if e := w.Connection.Encryption; e != nil && e.Type != "AES256" {
		c.key = e.Key
		if c.key == "" {
			c.key = rolecall.ARN{Partition: w.partition(), Service: "kms", Region: w.region, Account: w.owner(), Resource: "key/any"}.String()
		}
	}
	c.asks = w.accessAsks(c.key)
	return c, true
}

// concerns tells whether documents of the kind may be at fault by what was
// found. Where AWS named one it is that alone.
func (c hearing) concerns(f finding, k kind) bool {
	named := map[policy.DenialLayer]string{
		policy.DeniedByIdentity: documentPermissions, policy.DeniedByBoundary: documentBoundary,
		policy.DeniedBySCP: documentSCP, policy.DeniedByRCP: documentRCP,
	}[f.denial.Layer]
	if c.assumes() {
		if f.denial.Layer == policy.DeniedByIdentity {
			named = documentWorker
		}
		if k.name != documentTrust && k.name != documentWorker && k.name != documentRCP { // which alone of those that can be given decide it
			return false
		}
	}
	if f.layer == "" {
		return slices.Contains(f.candidates, k.layer) || slices.Contains(f.crowded, k.layer)
	}
	return f.layer == k.layer && (named == "" || named == k.name)
}

// assumes tells whether the role itself was asked for.
func (c hearing) assumes() bool { return c.asks[0].Action == actionAssume }

const actionAssume = "sts:AssumeRole"

// asked are the requests that documents are judged by: those of the action
// that AWS refused, which a step may try beside its own; else the step's. There
// are none where a step does what no request here tells of.
func (c hearing) asked(f finding, fits func(service string) bool) []policy.Request {
	if f.denial.Action == "" || c.assumes() {
		return requests(c.asks, c.step, fits)
	}
	other := func(in policy.Request) bool { return in.Action != f.denial.Action }
	if own := slices.DeleteFunc(requests(c.asks, c.step, fits), other); len(own) > 0 {
		return own
	}
	return slices.DeleteFunc(requests(c.asks, "", fits), other)
}

// opinion is what was found out about documents of one kind.
type opinion struct {
	kind  kind
	stand stand
	files []string
	// patch corrects the documents, and hint says how; nil when they need it
	// not, or nothing small does.
	patch *rolecall.Patch
	hint  string
}

// judge looks at the documents of a kind; it is false when none was given.
func (c hearing) judge(f finding, k kind) (opinion, bool) {
	o := opinion{kind: k}
	l := layer{kind: k.name, role: c.arn.Account}
	for _, g := range c.Policies {
		if g.Kind == k.name {
			o.files, l.papers = append(o.files, g.File), append(l.papers, readPaper(g.Document))
		}
	}
	step := c.asked(f, judged(k.name))
	needed := requests(c.asks, "", judged(k.name))
	if len(o.files) == 0 || len(step) == 0 {
		return o, false
	}
	l.known = knownKeys(needed)
	if k.name == documentTrust {
		return c.judgeTrust(f, o, l, needed[0]), true
	}
	who := c.Connection.RoleARN
	if c.assumes() {
		who, l.role = c.Principal.ARN.String(), c.Principal.ARN.Account
	}
	if o.stand = l.stands(step); o.stand == lets {
		return o, true
	}
	if kit, err := policy.Generate(c.kitRequest(c.key)); err == nil && !c.assumes() {
		l.use = useOf(kit.Permissions, k.name)
	} else if k.name == documentRCP {
		l.use = use{[]string{actionAssume}, []string{c.Connection.RoleARN}}
	}
	r := strictly
	denies := func(in policy.Request) bool { denying, _ := l.look(in, leniently); return len(denying) > 0 }
	switch {
	case f.layer != "" && f.denial.Explicit && !slices.ContainsFunc(step, denies): // so that one did of which it is not known
		r = reading{allows: true, denies: true}
	case o.stand == refuses:
		r = leniently
	case f.layer != "" && f.denial.Layer != "" && !f.denial.Explicit: // so that no Deny spoke
		r = surely
	}
	if fixed, i, ok := l.correct(needed, who, c.grants(k.name), r); ok {
		o.patch, o.hint = c.corrected(k.name, o.files[i], fixed.papers[i]), changes(o.files[i], l.papers[i], fixed.papers[i])
		if strings.HasPrefix(c.endpoint(), "http://") && bytes.Contains(bytes.ToLower(l.papers[i].text()), []byte("aws:securetransport")) {
			o.hint += ". The document speaks of TLS, which this endpoint is without: better give one that has it"
		}
	}
	return o, true
}

func (c hearing) judgeTrust(f finding, o opinion, l layer, right policy.Request) opinion {
	wrong := c.wrongAsks(c.Principal.ARN)
	o.stand = l.stands([]policy.Request{right})
	switch {
	case f.layer == "": // it refused the right external id, and nobody knows of others
	case l.takes(wrong, strictly):
		o.stand = refuses // to be as it must
	case o.stand == lets && l.takes(wrong, leniently):
		o.stand = unsure
	}
	if o.stand == lets {
		return o
	}
	if fixed, ok := l.correctTrust(right, c.wrongAsks(c.anyVendors(l.papers[0])...), c.Principal.ARN.String(), c.Vendor.Owns, c.grants(documentTrust)); ok {
		o.patch, o.hint = c.corrected(documentTrust, o.files[0], fixed.papers[0]), changes(o.files[0], l.papers[0], fixed.papers[0])
	}
	return o
}

// grants are the statements that documents of a kind need for the connection.
func (c hearing) grants(kind string) []object {
	kit, ok := c.documents(c.Connection) // where the bucket is, another step may be finding out
	if kind != documentTrust && kind != documentWorker {
		var err error
		kit, err = policy.Generate(c.kitRequest(c.key))
		ok = err == nil
	}
	if !ok {
		return nil
	}
	d := map[string]*policy.Document{
		documentTrust: kit.Trust, documentPermissions: kit.Permissions, documentBoundary: kit.Permissions, documentSCP: kit.Permissions,
		documentBucket: kit.Bucket, documentKey: kit.Key, documentWorker: kit.Worker,
	}[kind]
	if d == nil {
		return nil
	}
	return readPaper(d).statements
}

// corrected is the patch that puts a corrected document in the place of the
// given one.
func (c hearing) corrected(kind, file string, p paper) *rolecall.Patch {
	var whole []rolecall.Patch
	switch kind {
	case documentTrust:
		whole = c.trustPatches()
	case documentWorker:
		whole = c.workerPatches()
	case documentPermissions:
		whole = c.permissionsPatch(c.key)
	case documentBoundary:
		whole = c.boundaryPatch(c.key)
	case documentBucket:
		whole = c.bucketPatch()
	case documentKey:
		whole = c.keyPatch(c.key)
	case documentSCP:
		whole = c.scpPatch("")
	case documentRCP:
		whole = c.rcpPatch("", c.accountOf(""))
	}
	if len(whole) == 0 {
		return nil
	}
	out := whole[0]
	old := command(string(out.Policy))
	out.Policy, out.Corrects = p.text(), file
	for i, line := range out.Commands {
		out.Commands[i] = strings.ReplaceAll(line, old, command(string(out.Policy)))
	}
	if kind != documentTrust && kind != documentBucket && kind != documentKey {
		out.Commands = nil // what the account calls this one of its policies is not known
	}
	return &out
}
