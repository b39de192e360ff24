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
