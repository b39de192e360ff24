package check

import (
	"fmt"
	"slices"

	"github.com/rolecall/rolecall"
	"github.com/rolecall/rolecall/internal/refusal"
	"github.com/rolecall/rolecall/policy"
	"github.com/rolecall/rolecall/policy/correct"
	"github.com/rolecall/rolecall/policy/lint"
)

// lintedBy returns the kinds of the documents that are linted with a step.
func lintedBy(step string) []policy.Kind {
	switch step {
	case rolecall.StepAssume:
		return []policy.Kind{policy.TrustDocument, policy.WorkerDocument}
	case rolecall.StepList:
		return []policy.Kind{policy.PermissionsDocument, policy.BucketDocument}
	case rolecall.StepKey:
		return []policy.Kind{policy.KeyDocument}
	}
	return nil
}

// lintGiven warns of what is wrong in the documents that were given, though the
// step passed: a role that the worker may assume can be open to others, too.
func (w *work) lintGiven(step string, f finding) finding {
	for _, g := range w.Policies {
		if !slices.Contains(lintedBy(step), g.Kind) {
			continue
		}
		for _, wrong := range w.wrongIn(g) {
			seeHint := fmt.Sprintf("You: see what rolecall policy lint --kind %s %s says", g.Kind, g.File)
			if w.Remote {
				seeHint = fmt.Sprintf("You: send %s to /api/policy/lint, which says all that is wrong in it", g.File)
			}
			if f.result == rolecall.CheckFail {
				f.cautionHint = seeHint
				break
			}
			f.result, f.layer = rolecall.CheckWarn, refusal.LayerOf(g.Kind)
			f.message += fmt.Sprintf("; in %s, at %s: %s", g.File, wrong.Pointer, wrong.Message)
			if f.hint == "" {
				f.hint = wrong.Hint
			} else {
				f.cautionHint = seeHint
			}
		}
	}
	return f
}

// wrongIn are the errors in a document, and whole accounts of the vendor's in a
// trust policy.
func (w *work) wrongIn(g correct.Given) []lint.Finding {
	options := lint.Options{Kind: g.Kind, Organization: w.Organization.APIName}
	if request, ok := w.declared().Request(); ok && g.Kind == policy.TrustDocument {
		options.Kit = &request
	}
	var out []lint.Finding
	for _, r := range lint.Check([]lint.File{{Name: g.File, Data: g.Document.JSON()}}, options).Files {
		for _, found := range r.Findings {
			if found.Severity == lint.Error || found.Rule == "principal-root" && found.Fixed {
				out = append(out, found)
			}
		}
	}
	return out
}
