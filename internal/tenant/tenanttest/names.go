// Package tenanttest tests implementations of package tenant's interfaces:
// every registry of names, and every reader of secrets, must pass its tests.
package tenanttest

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
	"sync"
	"testing"

	"github.com/rolecall/rolecall/internal/tenant"
)

// Names tests a registry. Open returns a new, empty one at each call.
func Names(t *testing.T, open func(t *testing.T) tenant.Names) {
	t.Helper()
	for name, test := range map[string]func(*testing.T, tenant.Names){
		"ForEver":        forEver,
		"IgnoringCase":   ignoringCase,
		"EveryName":      everyName,
		"FirstWins":      firstWins,
		"Generated":      generated,
		"Reading":        reading,
		"GeneratedOnce":  generatedOnce,
		"GeneratedTaken": generatedTaken,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, open(t))
		})
	}
}

// take takes a name, and checks whose it is.
func take(t *testing.T, names tenant.Names, name, organization, owner string) {
	t.Helper()
	err := names.Take(t.Context(), name, organization)
	var taken *tenant.TakenError
	switch {
	case owner == organization && err != nil:
		t.Errorf("%s takes %q: %v", organization, name, err)
	case owner == organization:
	case !errors.As(err, &taken) || taken.Owner != owner:
		t.Errorf("%s takes %q, which is %s's: %v", organization, name, owner, err)
	case strings.Contains(err.Error(), owner):
		t.Errorf("the error names the owner: %v", err)
	}
}

// forEver: a name stays its first organization's, however often it is taken.
func forEver(t *testing.T, names tenant.Names) {
	take(t, names, "x-42", "acme", "acme")
	take(t, names, "x-42", "globex", "acme")
	take(t, names, "x-42", "acme", "acme")
	take(t, names, "x-43", "acme", "acme") // which does not give up the other
	take(t, names, "x-42", "globex", "acme")
	take(t, names, "acme", "globex", "globex") // by whoever comes first, its own name or not
	take(t, names, "acme", "acme", "globex")
}

func ignoringCase(t *testing.T, names tenant.Names) {
	take(t, names, "Old-One", "acme", "acme")
	for _, same := range []string{"old-one", "OLD-ONE", "oLD-oNE"} {
		take(t, names, same, "globex", "acme")
		take(t, names, same, "acme", "acme")
	}
	take(t, names, "old_one", "globex", "globex")
}

// everyName: all that may be an external id can be taken, and each is another.
func everyName(t *testing.T, names tenant.Names) {
	all := []string{"42", "..", "../..", "a/b", "a/", "/a", `+=,.@:/-_`, strings.Repeat("x", 1224), strings.Repeat("x", 1223), strings.Repeat("x", 1223) + "y"}
	for i, name := range all {
		organization := fmt.Sprintf("org-%d", i)
		take(t, names, name, organization, organization)
	}
	for i, name := range all {
		take(t, names, name, "globex", fmt.Sprintf("org-%d", i))
	}
}

// firstWins: of many that take a name at once one has it.
func firstWins(t *testing.T, names tenant.Names) {
	const many = 16
	var won sync.Map
	var all sync.WaitGroup
	for i := range many {
		all.Go(func() {
			organization := fmt.Sprintf("org-%d", i)
			err := names.Take(t.Context(), "wanted", organization)
			var taken *tenant.TakenError
			switch {
			case err == nil:
				won.Store(organization, true)
			case !errors.As(err, &taken):
				t.Error(err)
			}
		})
	}
	all.Wait()
	var winners []string
	won.Range(func(organization, _ any) bool { winners = append(winners, organization.(string)); return true })
	if len(winners) != 1 {
		t.Fatalf("won by %v", winners)
	}
	take(t, names, "wanted", "late", winners[0])
}

var form = regexp.MustCompile(`^[0-9a-f]{32}$`)

func generatedID(t *testing.T, names tenant.Names, organization string) string {
	t.Helper()
	id, _, err := names.GenerateID(t.Context(), organization)
	if err != nil || !form.MatchString(id) {
		t.Errorf("generated for %s is %q, %v", organization, id, err)
	}
	return id
}

// generated: each organization has its own external id, and always the same.
func generated(t *testing.T, names tenant.Names) {
	acme, globex := generatedID(t, names, "acme"), generatedID(t, names, "globex")
	if acme == globex {
		t.Errorf("both have %s", acme)
	}
	if again := generatedID(t, names, "acme"); again != acme {
		t.Errorf("%s became %s", acme, again)
	}
}

// generatedOnce: many that ask at once get the same.
func generatedOnce(t *testing.T, names tenant.Names) {
	ids := make([]string, 16)
	var all sync.WaitGroup
	for i := range ids {
		all.Go(func() {
			var err error
			if ids[i], _, err = names.GenerateID(t.Context(), "acme"); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	for _, id := range ids {
		if id != ids[0] {
			t.Fatalf("generated are %v", ids)
		}
	}
}

// generatedTaken: a generated external id is taken as any name is.
func generatedTaken(t *testing.T, names tenant.Names) {
	id := generatedID(t, names, "acme")
	take(t, names, id, "acme", "acme")
	take(t, names, strings.ToUpper(id), "globex", "acme")
}

// reading: what is only asked for is not made.
func reading(t *testing.T, names tenant.Names) {
	for range 2 {
		if id, err := names.GeneratedID(t.Context(), "acme"); id != "" || err != nil {
			t.Errorf("an id was generated: %q, %v", id, err)
		}
		if owner, err := names.OwnerOf(t.Context(), "acme"); owner != "" || err != nil {
			t.Errorf("the name is taken by %q, %v", owner, err)
		}
	}
	made := generatedID(t, names, "acme")
	take(t, names, "Acme", "acme", "acme")
	if id, err := names.GeneratedID(t.Context(), "acme"); id != made || err != nil {
		t.Errorf("%q was generated, and %q is read: %v", made, id, err)
	}
	if owner, err := names.OwnerOf(t.Context(), "aCME"); owner != "acme" || err != nil {
		t.Errorf("the name is %q's, %v", owner, err)
	}
}
