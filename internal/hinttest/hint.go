// Package hinttest checks hints, in tests: that each begins with who acts and is
// short, and that what it says to do was tried. It reads the source of a package
// for the hints that there are, so that none is forgotten.
package hinttest

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// Actors are who may have to act, as docs/words.md explains them.
var actors = []string{"Customer", "Operator", "You"}

// maxWords is how long what one of them has to do may be.
const maxWords = 25

var part = regexp.MustCompile(`(?:^|[.;,?]? )(?:` + strings.Join(actors, "|") + `): `)

// Check returns what is wrong with a hint as users see it: it begins with who
// acts, and each part for one of them is short.
func Check(hint string) error {
	places := part.FindAllStringIndex(hint, -1)
	if len(places) == 0 || places[0][0] != 0 {
		return fmt.Errorf("the hint does not begin with one of %s: %s", strings.Join(actors, ", "), hint)
	}
	for i, p := range places {
		end := len(hint)
		if i+1 < len(places) {
			end = places[i+1][0]
		}
		if words := len(strings.Fields(hint[p[1]:end])); words > maxWords {
			return fmt.Errorf("the hint has %d words, more than %d: %s", words, maxWords, hint)
		}
	}
	return nil
}

// Written checks each hint in the source of a package: it begins with who acts,
// unless that comes of a variable or function named for it, and is short.
func Written(t testing.TB, dir string) {
	t.Helper()
	for _, x := range Texts(t, dir) {
		switch {
		case x.more, strings.HasSuffix(strings.ToLower(x.first), "hint"), strings.HasSuffix(x.first, "actor"):
			x.Text = actors[0] + ": " + x.Text
		}
		if err := Check(x.Text); err != nil {
			t.Errorf("%s: %v", x.Place, err)
		}
	}
}

// Followed checks that each hint in the source of a package was followed, or is
// one of those that name no change.
func Followed(t testing.TB, dir string, followed, changeless []string) {
	t.Helper()
	used := map[string]bool{}
	for _, x := range Texts(t, dir) {
		i := slices.IndexFunc(changeless, func(text string) bool { return text == x.Text })
		switch {
		case i >= 0:
			used[x.Text] = true
		case !slices.ContainsFunc(followed, x.in):
			t.Errorf("%s: no test does what the hint says: %s", x.Place, x.Text)
		}
	}
	for _, text := range changeless {
		if !used[text] {
			t.Errorf("no hint is: %s", text)
		}
	}
}

// Change is a place of a document that is right, what is written there when it is
// wrong, and what whoever does what the hint says makes of it. Without the last, they
// write what was there.
type Change struct{ Right, Wrong, Followed string }

// Gone is the Followed of a change by which nothing is left of the place.
const Gone = "\x00"

// Follow makes each change of a document wrong, for which find returns the hints of
// its faults, and then does what they say: then there are no faults. It returns
// all hints.
func Follow(t testing.TB, document string, changes []Change, find func(document string) []string) []string {
	t.Helper()
	var done []string
	if faults := find(document); len(faults) > 0 {
		t.Fatalf("the document has faults itself: %q", faults)
	}
	for _, c := range changes {
		if strings.Count(document, c.Right) < 1 {
			t.Fatalf("%q is not in the document", c.Right)
		}
		hints := find(strings.Replace(document, c.Right, c.Wrong, 1))
		if len(hints) == 0 {
			t.Errorf("%q: nothing is wrong", c.Wrong)
		}
		followed := c.Followed
		switch followed {
		case "":
			followed = c.Right
		case Gone:
			followed = ""
		}
		if left := find(strings.Replace(document, c.Right, followed, 1)); len(left) > 0 {
			t.Errorf("%q, by %q: there are faults still: %q", followed, hints, left)
		}
		done = append(done, hints...)
	}
	return done
}
