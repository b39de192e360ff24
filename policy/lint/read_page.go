package lint

import (
	"regexp"
	"slices"
	"strings"

	"github.com/rolecall/rolecall/policy/internal/tree"
)

// In whatever form a policy is written, it has an effect.
const effectWords = `(?im)effect` + quotes + colon + quotes + `(?:Allow|Deny)\b|^\s*statement\s*\{`

var (
	policyForm  = regexp.MustCompile(effectWords)
	policyWords = regexp.MustCompile(effectWords + `|statement` + quotes + colon + `[\[{]`) // of one that is broken, perhaps before its effect
)

const (
	quotes = `(?:["'“”‘’\\]|%22|&quot;|&#34;)*`
	colon  = `(?:\s|%20|\+)*(?:[:=]|%3A)(?:\s|%20|\+|>)*`
)

// documents returns the documents in the source, in their order. Each brace may
// begin one. What cannot be read from there is a document if it has the words of
// one, and else belongs to the text around: a block of a program, a sentence.
func (r *reader) documents() []document {
	var out []document
	var unread, first *document // the broken one that is being passed; the first of all
	flush := func(end int) {
		if unread != nil && r.wordsIn(unread.start, end) {
			unread.end = end
			out = append(out, *unread)
		} else if unread != nil {
			r.around += maxAround + 1
		}
		unread = nil
	}
	for len(out) <= maxDocuments && r.read < maxUnread {
		inBroken := unread != nil && r.wordsIn(unread.start, r.at)
		r.doc = document{source: r.source, quirks: r.doc.quirks, comments: r.doc.comments}
		before, around := r.doc, r.around
		r.toDocument()
		if inBroken {
			r.doc, r.around = before, around
		}
		if r.at == len(r.source) {
			break
		}
		start := r.at
		if unread != nil && strings.Contains(r.source[unread.start:start], "\n```") {
			flush(start)
		}
		before = r.doc
		root := r.next()
		inBroken = unread != nil && r.wordsIn(unread.start, start+1) // with the brace that its statements begin by
		switch {
		case r.broken:
			r.read += r.doc.quirks[len(r.doc.quirks)-1].at - start + 1
			if !inBroken {
				unread = &document{source: r.source, root: root, quirks: r.doc.quirks, comments: r.doc.comments, broken: true, start: start, end: len(r.source)}
				if first == nil {
					first = unread
				}
			}
			r.doc, r.broken, r.at = before, false, start+1
			continue
		case inBroken && len(policies(root, nil)) == 0: // a part of what is broken
			r.doc = before
			continue
		}
		flush(start)
		r.doc.root = root
		for _, d := range r.doc.split() {
			d.start, d.end = start, r.at
			out = append(out, d)
		}
		r.doc.quirks, r.doc.comments = nil, nil
	}
	flush(len(r.source))
	if len(out) == 0 && first != nil {
		out, r.doc.quirks = []document{*first}, nil
	}
	return r.onlyPolicies(out)
}

// next reads the document that begins here.
func (r *reader) next() *tree.Node {
	if escapedStart.MatchString(r.source[r.at:min(len(r.source), r.at+200)]) {
		return r.literal()
	}
	root := r.value(0)
	if !r.broken && root.Get("Statement") == nil {
		unwrap(root)
	}
	return root
}

// wordsIn reports whether a part of the source has the words of a policy.
func (r *reader) wordsIn(start, end int) bool { return policyWords.MatchString(r.source[start:end]) }

// onlyPolicies leaves out what is none, such as an example of a job, where a
// page has policies too, and adds what stands for policies that are left out: in
// another form than JSON.
func (r *reader) onlyPolicies(all []document) []document {
	other := func(d document) bool {
		return !d.broken && d.inside.pointer == "" && len(d.root.Members)+len(d.root.Items) > 0 && shapeless(d.root)
	}
	if policyForm.MatchString(r.source) || slices.ContainsFunc(all, func(d document) bool { return !other(d) }) {
		all = slices.DeleteFunc(all, other)
	}
	var out []document
	at := 0
	gap := func(end int) {
		if found := policyForm.FindStringIndex(r.source[at:max(at, end)]); found != nil {
			why := quirk{"json-syntax", at + found[0], "a policy stands here that is not written as JSON, and is not judged"}
			out = append(out, document{source: r.source, quirks: []quirk{why}, broken: true, start: at, end: end})
		}
	}
	for _, d := range all {
		gap(d.start)
		at = d.end
		out = append(out, d)
	}
	gap(len(r.source))
	if len(out) == 0 {
		r.quirk("json-syntax", 0, "there is no JSON object here")
		out = []document{{source: r.source, quirks: r.doc.quirks, broken: true}}
		r.doc.quirks = nil
	}
	return out
}
