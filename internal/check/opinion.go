package check

import (
	"bytes"
	"fmt"
	"slices"
	"strings"

	"github.com/rolecall/rolecall"
)

// changes says what differs in a corrected document.
func changes(file string, old, corrected paper) string {
	added, narrowed := lackedBy(old, corrected)
	gone, denied := lackedBy(corrected, old)
	gone = slices.DeleteFunc(append(gone, denied...), func(name string) bool { return slices.Contains(added, name) || slices.Contains(narrowed, name) })
	out := fmt.Sprintf("the document is that of %s, to be put in its place", file)
	for _, c := range []struct {
		what  string
		names []string
	}{{"new or changed in it", added}, {"narrowed so that the role may do what the connection does", narrowed}, {"not in it any more", gone}} {
		if len(c.names) > 0 {
			out += "; " + c.what + ": " + strings.Join(c.names, ", ")
		}
	}
	return out + ". All else is as it was"
}

// lackedBy names the statements of another document that p does not have, and
// the Denies among them apart.
func lackedBy(p, other paper) (allows, denies []string) {
	for i, s := range other.statements {
		if slices.ContainsFunc(p.statements, func(o object) bool { return bytes.Equal(o.text(), s.text()) }) {
			continue
		}
		name := fmt.Sprintf("statement %d", i+1)
		if sid := words(s.get("Sid")); len(sid) == 1 && sid[0] != "" {
			name = sid[0]
		}
		if slices.Equal(words(s.get("Effect")), []string{"Deny"}) {
			denies = append(denies, name)
		} else {
			allows = append(allows, name)
		}
	}
	return allows, denies
}

// told is what is found where it is known whose documents are at fault.
func (f finding) told(judged []opinion) finding {
	if slices.ContainsFunc(judged, func(o opinion) bool { return o.patch != nil }) && f.layer != "" {
		f.hint = "" // of the whole document
	}
	for _, o := range judged {
		switch {
		case o.patch != nil:
			f = f.with(o)
		case o.stand == lets && o.kind.name == documentTrust && !f.denied: // a probe was accepted
			f.hint += fmt.Sprintf(". By %s it should be refused: see that this is what is in force", strings.Join(o.files, ", "))
		case o.stand == lets:
			f.hint += fmt.Sprintf(". By %s it should pass: see that this is what is in force", strings.Join(o.files, ", "))
		default:
			f.hint += fmt.Sprintf(". No small change of %s would do: the document is a whole one, which replaces it", strings.Join(o.files, ", "))
		}
	}
	f.hint = strings.TrimPrefix(f.hint, ". ")
	return f
}

// inferred is what is found where AWS did not say whose documents are at
// fault: those that were given may.
func (f finding) inferred(judged []opinion) finding {
	if guilty := slices.DeleteFunc(slices.Clone(judged), func(o opinion) bool { return o.stand != refuses }); len(guilty) > 0 && f.candidates[0] != rolecall.LayerName {
		return f.blamed(guilty)
	}
	before := f.candidates
	for _, o := range judged {
		switch {
		case o.stand == lets:
			f = f.acquitted(o, judged)
		case o.patch != nil:
			f = f.with(o)
		}
	}
	for len(f.candidates) < 3 && len(f.crowded) > 0 {
		f.candidates, f.crowded = append(slices.Clone(f.candidates), f.crowded[0]), f.crowded[1:]
	}
	switch len(f.candidates) {
	case 0:
		f.candidates = before
		f.hint += ". None of what was given refuses it: see that these are what is in force"
	case 1:
		f.layer, f.candidates = f.candidates[0], nil
	}
	return f
}

// blamed is what is found where documents that were given refuse.
func (f finding) blamed(guilty []opinion) finding {
	var layers []rolecall.CheckLayer
	var whole []rolecall.Patch
	for _, o := range guilty {
		if !slices.Contains(layers, o.kind.layer) {
			layers = append(layers, o.kind.layer)
		}
		for _, p := range f.patches {
			if p.Document == o.kind.name {
				whole = append(whole, p)
			}
		}
		f.message += fmt.Sprintf("; by %s it may not pass", strings.Join(o.files, ", "))
	}
	f.candidates, f.patches, f.hint = layers, whole, ""
	if len(layers) == 1 {
		f.layer, f.candidates = layers[0], nil
	} else {
		f.hint = "each of these must change"
	}
	return f.told(guilty)
}

// acquitted is what is found once documents of a kind are known to allow it.
// What a layer has besides may still be at fault.
func (f finding) acquitted(o opinion, judged []opinion) finding {
	f.patches = slices.DeleteFunc(slices.Clone(f.patches), func(p rolecall.Patch) bool { return p.Document == o.kind.name })
	f.hint += fmt.Sprintf(". By %s it passes: it is not that", strings.Join(o.files, ", "))
	for _, k := range kinds {
		if k.layer == o.kind.layer && !slices.ContainsFunc(judged, func(o opinion) bool { return o.kind == k && o.stand == lets }) {
			return f.last(o.kind.layer)
		}
	}
	if o.kind.layer == rolecall.LayerPrincipal { // which has more than can be given
		return f.last(o.kind.layer)
	}
	f.candidates = slices.DeleteFunc(slices.Clone(f.candidates), func(l rolecall.CheckLayer) bool { return l == o.kind.layer })
	return f
}

// last makes a candidate the least likely.
func (f finding) last(layer rolecall.CheckLayer) finding {
	if i := slices.Index(f.candidates, layer); i >= 0 {
		f.candidates = append(slices.Delete(slices.Clone(f.candidates), i, i+1), layer)
	}
	return f
}

// with puts a corrected document in the place of a whole one.
func (f finding) with(o opinion) finding {
	f.patches = slices.Clone(f.patches)
	if i := slices.IndexFunc(f.patches, func(p rolecall.Patch) bool { return p.Document == o.kind.name }); i >= 0 {
		o.patch.Target = f.patches[i].Target // which AWS may have named
		f.patches[i] = *o.patch
	} else {
		f.patches = append(f.patches, *o.patch)
	}
	if f.hint != "" {
		f.hint += ". "
	}
	f.hint += o.hint
	return f
}
