package check

import (
	"context"
	"slices"

	"github.com/rolecall/rolecall"
)

// step is one step of a check. It runs as soon as those that it names have
// ended, beside others.
type step struct {
	name  string
	needs []string // steps without which it cannot run: it is skipped when one failed, or was skipped for that
	after []string // steps that it only waits for
	// always runs it after a cancellation too: it cleans up.
	always bool
	run    func(ctx context.Context, w *work) finding
}

// steps are all steps of a check, in the order in which it reports them.
func steps() []step {
	order, all := rolecall.CheckSteps(), append(roleSteps(), bucketSteps()...)
	slices.SortFunc(all, func(a, b step) int { return slices.Index(order, a.name) - slices.Index(order, b.name) })
	return all
}

// roleSteps are the steps that check where the credentials come from: the role,
// and the vendor's own identity that assumes it.
func roleSteps() []step {
	const arn, principal, claim, assume = rolecall.StepARN, rolecall.StepPrincipal, rolecall.StepClaim, rolecall.StepAssume
	return []step{
		{name: arn, run: declared},
		{name: principal, after: []string{rolecall.StepRegion}, run: identified}, // STS is asked near the bucket
		{name: claim, needs: []string{arn}, after: []string{rolecall.StepRegion}, run: claimed},
		{name: assume, needs: []string{arn, principal, claim}, run: assumed},
		// These read the same proof, whose right external id may have been refused.
		{name: rolecall.StepExternalIDAbsent, needs: []string{arn, principal, claim}, after: []string{assume}, run: refusesAbsent},
		{name: rolecall.StepExternalIDRandom, needs: []string{arn, principal, claim}, after: []string{assume}, run: refusesRandom},
		{name: rolecall.StepExternalIDNear, needs: []string{arn, principal, claim}, after: []string{assume}, run: refusesNear},
		{
			name:  rolecall.StepDuration,
			needs: []string{assume, rolecall.StepExternalIDAbsent, rolecall.StepExternalIDRandom, rolecall.StepExternalIDNear},
			run:   lasts,
		},
	}
}

// bucketSteps are the steps that look at the bucket, under credentials as the
// connection's jobs get them.
func bucketSteps() []step {
	const (
		absent, random, near         = rolecall.StepExternalIDAbsent, rolecall.StepExternalIDRandom, rolecall.StepExternalIDNear
		region, owner, list, read    = rolecall.StepRegion, rolecall.StepOwner, rolecall.StepList, rolecall.StepRead
		write, multipart, encryption = rolecall.StepWrite, rolecall.StepMultipart, rolecall.StepEncryption
	)
	return []step{
		{name: region, needs: []string{rolecall.StepARN}, run: located},
		{name: owner, needs: []string{rolecall.StepAssume, absent, random, near, region}, run: owned},
		{name: list, needs: []string{owner}, run: listable},
		{name: read, needs: []string{owner}, after: []string{list}, run: readable},
		{name: write, needs: []string{owner}, after: []string{read}, run: writable}, // which key objects are under, reading shows
		{name: multipart, needs: []string{write}, run: inParts},
		{name: encryption, needs: []string{write}, run: encrypted},
		{name: rolecall.StepKey, needs: []string{owner}, after: []string{read, write, multipart, encryption}, run: keyed},
		{name: rolecall.StepOwnership, needs: []string{owner}, after: []string{write}, run: belongs},
		{name: rolecall.StepCleanup, after: []string{write, multipart, encryption, rolecall.StepKey, rolecall.StepOwnership}, always: true, run: cleaned},
	}
}
