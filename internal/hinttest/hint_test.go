package hinttest

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func TestCheck(t *testing.T) {
	t.Parallel()
	long := strings.Repeat(" word", 24)
	for hint, right := range map[string]bool{
		"Customer: allow it":           true,
		"You: begin" + long:            true,
		"You: begin now" + long:        false,
		"allow it":                     false,
		"Vendor: allow it":             false,
		"allow it. Customer: allow it": false,
		"Customer: allow it" + long[5:] + ". Operator:" + long: true,
		"": false,
	} {
		if err := Check(hint); (err == nil) != right {
			t.Errorf("%q: %v", hint, err)
		}
	}
}

// TestTexts checks that hints are found wherever they are written.
func TestTexts(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	source := `package p

const named = "You: a constant"

type cause struct{ message, hint string }

var causes = map[int]cause{1: {"m", "You: a field without its name"}}

func report(message, hint string) {}

func someHint() string { return "You: returned" }

func two() (message, hint string) { return "m", "You: returned second" }

func joined(hints ...string) string { return "" }

func use(x string, f *fault) {
	report("m", "You: an argument")
	f.Hint = "You: assigned " + x
	f.Hint += ", and more"
	f.Add("/p", "m", named)
	_ = fault{Hint: fmt.Sprintf("You: a format of %d", 2)}
	f.Hint = joined(f.Hint, "You: behind others")
	say := func(message, hint string) {}
	say("m", "You: to a literal")
	misplaced(func() string { return "no hint" })
}
`
	if err := os.WriteFile(filepath.Join(dir, "p.go"), []byte(source), 0o600); err != nil {
		t.Fatal(err)
	}
	want := []string{
		"You: a field without its name", "You: returned", "You: returned second", "You: an argument", "You: assigned …", ", and more", "You: a constant",
		"You: a format of …", "You: behind others", "You: to a literal",
	}
	var got []string
	for _, x := range Texts(t, dir) {
		got = append(got, x.Text)
	}
	if !slices.Equal(got, want) {
		t.Errorf("%q", got)
	}
}
