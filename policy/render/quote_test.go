package render

import (
	"os/exec"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"go.yaml.in/yaml/v3"
)

// What is quoted comes back as it was, and nothing of it is taken for more
// than text: by Terraform, YAML, and a shell.
func FuzzQuote(f *testing.F) {
	for _, s := range []string{
		"", "plain", `"`, `\`, `\"`, "'", "''", "${x}", "$${x}", "$$${x}", "%{if}", "%%{", "$", "${", "a\nb", "\x00", "\x7f", "\u0085", "Ü", `\u0041`, "`id`", "$(id)", "x\\", "# x",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		for _, r := range s {
			if r > 0xff || r == utf8.RuneError {
				return // never reaches a quote: see wide
			}
		}
		e, faults := hclsyntax.ParseExpression([]byte(hclString(s)), "", hcl.InitialPos)
		if faults.HasErrors() {
			t.Fatalf("%q: %v", hclString(s), faults)
		}
		if v, faults := e.Value(nil); faults.HasErrors() || v.AsString() != s {
			t.Errorf("HCL reads %s as %q, %v", hclString(s), v, faults)
		}
		var back string
		if err := yaml.Unmarshal([]byte(quoted(s)), &back); err != nil || back != s {
			t.Errorf("YAML reads %s as %q, %v", quoted(s), back, err)
		}
		if word := shell(s); strings.Count(strings.ReplaceAll(word, `'\''`, ""), "'") != 2 {
			t.Errorf("more than one word: %s", word)
		}
		for line := range strings.SplitSeq(strings.TrimSuffix(comment("  ", s), "\n"), "\n") {
			if s != "" && !strings.HasPrefix(line, "  #") {
				t.Errorf("the comment on %q ends in %q", s, line)
			}
		}
	})
}

func TestShellReadsBack(t *testing.T) {
	t.Parallel()
	for _, s := range []string{"", "'", `\`, "$(id)`id`$HOME", "a\nb", `"`, "!", "it's"} {
		out, err := exec.CommandContext(t.Context(), "/bin/sh", "-c", "printf %s "+shell(s)).Output()
		if err != nil || string(out) != s {
			t.Errorf("%q became %q, %v", s, out, err)
		}
	}
}

func TestCommandIsQuoted(t *testing.T) {
	t.Parallel()
	if got, want := Command("aws", "--name", "a+b=c@d", `{"a": "$b'c"}`, ""), `aws --name a+b=c@d '{"a": "$b'\''c"}' ''`; got != want {
		t.Errorf("%s, want %s", got, want)
	}
}
