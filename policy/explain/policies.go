package explain

import (
	"slices"

	"github.com/rolecall/rolecall/policy"
	"github.com/rolecall/rolecall/policy/internal/tree"
)

// documentAt returns a document by its layer and index, nil where there is none.
func documentAt(p policy.Policies, layer policy.Layer, index int) *policy.Document {
	switch layer {
	case policy.ResourcePolicy:
		return p.Resource
	case policy.SessionPolicy:
		return p.Session
	case policy.Identity:
		return nth(p.Identity, index)
	case policy.Boundary:
		return nth(p.Boundary, index)
	case policy.SCP:
		return nth(slices.Concat(p.SCP...), index)
	default:
		return nth(slices.Concat(p.RCP...), index)
	}
}

func nth(documents []*policy.Document, i int) *policy.Document {
	if i >= len(documents) {
		return nil
	}
	return documents[i]
}

// replaced returns the policies with another document in one's place, or behind
// the last of its layer. The given ones stay as they are.
func replaced(p policy.Policies, layer policy.Layer, index int, d *policy.Document) policy.Policies {
	switch layer {
	case policy.ResourcePolicy:
		p.Resource = d
	case policy.SessionPolicy:
		p.Session = d
	case policy.Identity:
		p.Identity = replacedAt(p.Identity, index, d)
	case policy.Boundary:
		p.Boundary = replacedAt(p.Boundary, index, d)
	case policy.SCP:
		p.SCP = replacedInLevels(p.SCP, index, d)
	case policy.RCP:
		p.RCP = replacedInLevels(p.RCP, index, d)
	}
	return p
}

func replacedAt(documents []*policy.Document, i int, d *policy.Document) []*policy.Document {
	out := slices.Clone(documents)
	if i == len(out) {
		return append(out, d)
	}
	out[i] = d
	return out
}

func replacedInLevels(levels [][]*policy.Document, index int, d *policy.Document) [][]*policy.Document {
	out := slices.Clone(levels)
	for i, level := range out {
		if index < len(level) {
			out[i] = replacedAt(level, index, d)
			return out
		}
		index -= len(level)
	}
	return out
}

// parse reads a changed document; nil when it is none any more.
func parse(root *tree.Node) *policy.Document {
	d, err := policy.Parse(root.JSON())
	if err != nil {
		return nil
	}
	return d
}
