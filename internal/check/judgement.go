package check

import (
	"fmt"
	"slices"
	"strings"

	"github.com/rolecall/rolecall"
	"github.com/rolecall/rolecall/internal/refusal"
	"github.com/rolecall/rolecall/policy"
	"github.com/rolecall/rolecall/policy/correct"
)

// judgement is what was found out about documents of one kind, and the patch
// that corrects them, if there is one.
type judgement struct {
	correct.Judgement
	patch *rolecall.Patch
}

// corrected is what is found where it is known whose documents are at fault.
func (f finding) corrected(judged []judgement) finding {
	if slices.ContainsFunc(judged, func(o judgement) bool { return o.patch != nil || len(o.Limits) > 0 }) && f.layer != "" {
		f.hint = "" // of the whole document
	}
	for _, o := range judged {
		switch {
		case o.patch != nil:
			f = f.withCorrection(o)
		case len(o.Limits) > 0:
			f = f.limited(o)
		case o.Standing == correct.Allows && o.Kind == policy.TrustDocument && !f.denied: // a probe was accepted
			f.message += fmt.Sprintf("; by %s it should be refused", strings.Join(o.Files, ", "))
			f.hint = joined(f.hint, inForceHint)
		case o.Standing == correct.Allows:
			f.message += fmt.Sprintf("; by %s it should pass", strings.Join(o.Files, ", "))
			f.hint = joined(f.hint, inForceHint)
		default:
			f.hint = joined(f.hint, fmt.Sprintf(actor(o.Kind)+": change %s by hand; no small change would do", strings.Join(o.Files, ", ")))
		}
	}
	return f
}

const inForceHint = "You: see that the documents given are those in force"

// inferred is what is found where AWS did not say whose documents are at
// fault: those that were given may.
func (f finding) inferred(judged []judgement) finding {
	if guilty := slices.DeleteFunc(slices.Clone(judged), func(o judgement) bool { return o.Standing != correct.Refuses }); len(guilty) > 0 && f.candidates[0] != rolecall.LayerName {
		return f.blamed(guilty)
	}
	before := f.candidates
	for _, o := range judged {
		switch {
		case o.Standing == correct.Allows:
			f = f.cleared(o, judged)
		case o.patch != nil:
			f = f.withCorrection(o)
		case len(o.Limits) > 0:
			f = f.limited(o)
		}
	}
	for len(f.candidates) < 3 && len(f.further) > 0 {
		f.candidates, f.further = append(slices.Clone(f.candidates), f.further[0]), f.further[1:]
	}
	switch len(f.candidates) {
	case 0:
		f.candidates = before
		f.message += "; none of what was given refuses it"
		f.hint = joined(f.hint, inForceHint)
	case 1:
		f.layer, f.candidates = f.candidates[0], nil
	}
	return f
}

// blamed is what is found where documents that were given refuse.
func (f finding) blamed(guilty []judgement) finding {
	var layers []rolecall.CheckLayer
	var whole []rolecall.Patch
	for _, o := range guilty {
		if !slices.Contains(layers, refusal.LayerOf(o.Kind)) {
			layers = append(layers, refusal.LayerOf(o.Kind))
		}
		for _, p := range f.patches {
			if p.Document == string(o.Kind) {
				whole = append(whole, p)
			}
		}
		f.message += fmt.Sprintf("; by %s it may not pass", strings.Join(o.Files, ", "))
	}
	f.candidates, f.patches, f.hint = layers, whole, ""
	if len(layers) == 1 {
		f.layer, f.candidates = layers[0], nil
	} else {
		f.message += "; each of these must change"
	}
	return f.corrected(guilty)
}

// cleared is what is found once documents of a kind are known to allow it.
// What else a layer has may still be at fault.
func (f finding) cleared(o judgement, judged []judgement) finding {
	f.patches = slices.DeleteFunc(slices.Clone(f.patches), func(p rolecall.Patch) bool { return p.Document == string(o.Kind) })
	f.message += fmt.Sprintf("; by %s it passes: it is not that", strings.Join(o.Files, ", "))
	for _, k := range correct.Kinds() {
		if refusal.LayerOf(k) == refusal.LayerOf(o.Kind) && !slices.ContainsFunc(judged, func(o judgement) bool { return o.Kind == k && o.Standing == correct.Allows }) {
			return f.movedLast(refusal.LayerOf(o.Kind))
		}
	}
	if refusal.LayerOf(o.Kind) == rolecall.LayerPrincipal { // which has more than can be given
		return f.movedLast(refusal.LayerOf(o.Kind))
	}
	f.candidates = slices.DeleteFunc(slices.Clone(f.candidates), func(l rolecall.CheckLayer) bool { return l == refusal.LayerOf(o.Kind) })
	return f
}

// movedLast makes a candidate the least likely.
func (f finding) movedLast(layer rolecall.CheckLayer) finding {
	if i := slices.Index(f.candidates, layer); i >= 0 {
		f.candidates = append(slices.Delete(slices.Clone(f.candidates), i, i+1), layer)
	}
	return f
}

// withCorrection puts a corrected document in the place of a whole one.
func (f finding) withCorrection(o judgement) finding {
	f.patches = slices.Clone(f.patches)
	if i := slices.IndexFunc(f.patches, func(p rolecall.Patch) bool { return p.Document == string(o.Kind) }); i >= 0 {
		o.patch.Target = f.patches[i].Target // which AWS may have named
		f.patches[i] = *o.patch
	} else {
		f.patches = append(f.patches, *o.patch)
	}
	f.hint = joined(f.hint, actor(o.Kind)+": "+o.Changes)
	return f
}

// askForDocuments asks for those documents that may have to be changed, and were
// not given: patches only add to what they have.
func (w *work) askForDocuments(f finding) finding {
	var flags, kinds []string
	for _, kind := range correct.Kinds() {
		given := slices.ContainsFunc(w.Policies, func(g correct.Given) bool { return g.Kind == kind })
		if slices.Contains(f.suspects, kind) && !given {
			flags, kinds = append(flags, "--policy "+string(kind)+"=FILE"), append(kinds, string(kind))
		}
	}
	if f.result != rolecall.CheckFail || len(flags) == 0 || w.Connection.RoleARN == "" {
		return f
	}
	againHint := "You: to have what is there corrected, check again with " + strings.Join(flags, " ")
	if w.Remote {
		againHint = "You: to have what is there corrected, check again with policies (or --policy): " + strings.Join(kinds, ", ")
	}
	if slices.ContainsFunc(f.patches, func(p rolecall.Patch) bool { return p.Mode == rolecall.PatchMerge }) {
		againHint += "; patches only add to it"
	}
	f.hint = joined(f.hint, againHint)
	return f
}
