package check

import (
	"slices"
	"strings"

	"github.com/rolecall/rolecall"
	"github.com/rolecall/rolecall/internal/refusal"
	"github.com/rolecall/rolecall/policy"
	"github.com/rolecall/rolecall/policy/correct"
)

// judgeGiven judges what a step found by the documents that were given: those that
// refuse what the step asked are at fault and are corrected, those that allow
// it are not.
func (w *work) judgeGiven(name string, f finding) finding {
	if f.result != rolecall.CheckFail || len(w.Policies) == 0 || w.Connection.RoleARN == "" {
		return f
	}
	c, ok := w.refusedCaseOf(name, f)
	if !ok {
		return f
	}
	f, settled := c.deniedForTLS(f)
	if settled {
		return f
	}
	if f, sent := c.sendable(f); sent {
		return f
	}
	var judged []judgement
	for _, kind := range correct.Kinds() {
		if !c.concerns(f, kind) {
			continue
		}
		c.question.LayerKnown = f.layer != ""
		if j, ok := c.setup.Judge(c.question, kind, w.Policies); ok {
			judged = append(judged, judgement{j, c.corrected(j)})
		}
	}
	if len(judged) == 0 {
		return f
	}
	if f.layer != "" {
		return f.corrected(judged)
	}
	return f.inferred(judged)
}

// refusedCase is what a step asked, of what is known of the connection.
type refusedCase struct {
	*work
	setup    correct.Setup
	question correct.Question
}

// refusedCaseOf returns what a step asked; it is false of steps that no policy decides.
func (w *work) refusedCaseOf(name string, f finding) (refusedCase, bool) {
	c := refusedCase{work: w, question: correct.Question{Step: name, Denial: f.denial}}
	key := ""
	switch name {
	case rolecall.StepRead, rolecall.StepKey, rolecall.StepCleanup: // which come after reading
		key = w.kept.Key
	case rolecall.StepOwner, rolecall.StepList, rolecall.StepWrite, rolecall.StepMultipart, rolecall.StepOwnership:
	default:
		c.setup = w.alongside(f.denial).declared()
		return c, c.question.Assumes()
	}
	if e := w.Connection.Encryption; e != nil && e.Key != "" {
		key = e.Key
	}
	c.setup = w.setup(key)
	return c, true
}

// concerns reports whether documents of the kind may be at fault by what was
// found. Where AWS named one it is that alone.
func (c refusedCase) concerns(f finding, kind policy.Kind) bool {
	named := map[policy.DenialLayer]policy.Kind{
		policy.DeniedByIdentity: policy.PermissionsDocument, policy.DeniedByBoundary: policy.BoundaryDocument,
		policy.DeniedBySCP: policy.SCPDocument, policy.DeniedByRCP: policy.RCPDocument,
	}[f.denial.Layer]
	if c.question.Assumes() {
		if f.denial.Layer == policy.DeniedByIdentity {
			named = policy.WorkerDocument
		}
		if !kind.Decides("sts") {
			return false
		}
	}
	layer := refusal.LayerOf(kind)
	if f.layer == "" {
		return slices.Contains(f.candidates, layer) || slices.Contains(f.further, layer)
	}
	return f.layer == layer && (named == "" || named == kind)
}

// deniedForTLS reports, by the bucket's policy where it was given, whether that
// denies what comes without TLS. That is right of it, and is not to be changed.
func (c refusedCase) deniedForTLS(f finding) (finding, bool) {
	given := slices.IndexFunc(c.Policies, func(g correct.Given) bool { return g.Kind == policy.BucketDocument })
	if given < 0 || !c.plainHTTP() || !c.concerns(f, policy.BucketDocument) {
		return f, false
	}
	if c.setup.DeniesPlainHTTP(c.question, c.Policies[given].Document) {
		return failed(rolecall.LayerNetwork, f.message+"; "+c.Policies[given].File+" denies what comes without TLS, as through this endpoint",
			refusal.TLSHint(c.place())+"; the bucket's policy can stay as it is"), true
	}
	if f.layer == "" && f.denial.Layer == policy.DeniedByResource { // then TLS is not why
		f.layer, f.candidates = rolecall.LayerBucket, nil
	}
	return f, false
}

// plainHTTP reports whether S3 is asked without TLS, which buckets may deny.
func (w *work) plainHTTP() bool { return strings.HasPrefix(w.endpoint(), "http://") }

// corrected is the patch that puts a corrected document in the place of the
// given one, nil where there is none.
func (c refusedCase) corrected(j correct.Judgement) *rolecall.Patch {
	if j.Corrected == nil {
		return nil
	}
	target := c.targetOf(j.Kind, c.setup.KMSKey)
	switch organization := j.Kind == policy.SCPDocument || j.Kind == policy.RCPDocument; {
	case organization && c.question.Denial.Policy != "":
		target = c.question.Denial.Policy
	case organization && c.question.Assumes():
		target = c.arn.Account
	}
	p := rolecall.Patch{Document: string(j.Kind), Target: target, Mode: rolecall.PatchReplace, Policy: j.Corrected, Corrects: j.File}
	if at, ok := c.attachment(j.Kind, target); ok && j.Kind.Single() { // else it is not known what the account calls it
		p.Commands = []string{at.Replace(j.Corrected)}
	}
	return &p
}
