package cli

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/rolecall/rolecall/policy"
	"github.com/rolecall/rolecall/policy/explain"
)

// print prints the decision, the tree of policies that led to it, and what
// would change it.
func (d decided) print(out *output, in policy.Request) {
	color := red
	if d.Decision.Decision == policy.Allowed {
		color = green
	}
	out.printf("%s\n\n", out.onOut.paint(color, spaced(d.Decision.Decision)))
	out.printf("  %s\n  asks %s on %s\n\n", printable(in.Principal), printable(in.Action), printable(in.Resource))
	switch {
	case d.Refused != "":
		out.printf("no policy can allow it: %s\n", d.Refused)
	case len(d.Layers) == 0:
		out.printf("no policy has a say in it\n")
	}
	for i, b := range d.Layers {
		word, color := outcomeWords(b.Outcome)
		out.printf("%s%s: %s: %s\n", twig(i, len(d.Layers)), layerName(b.Policy), out.onOut.paint(color, word), b.Why)
		for j, leaves := range b.Documents {
			under := trunk(i, len(d.Layers))
			if len(b.Documents) > 1 {
				out.printf("%s%spolicy %d\n", under, twig(j, len(b.Documents)), leaves.Index)
				under += trunk(j, len(b.Documents))
			}
			for k, s := range leaves.Statements {
				out.printf("%s%s%s\n", under, twig(k, len(leaves.Statements)), statementLine(s))
			}
		}
	}
	if d.Change != nil {
		printChange(out, d.Change)
	}
}

// twig is what comes before item i of n of a tree, trunk what comes before the
// lines below it.
func twig(i, n int) string {
	if i == n-1 {
		return "└─ "
	}
	return "├─ "
}

func trunk(i, n int) string {
	if i == n-1 {
		return "   "
	}
	return "│  "
}

func spaced(d policy.Decision) string { return strings.ReplaceAll(string(d), "_", " ") }

func outcomeWords(o explain.Outcome) (string, style) {
	switch o {
	case explain.Allows:
		return "allows", green
	case explain.Denies:
		return "denies", red
	case explain.Lacks:
		return "does not allow", red
	default:
		return "not needed", faint
	}
}

func layerName(l policy.Layer) string {
	switch l {
	case policy.Identity:
		return "identity policy"
	case policy.ResourcePolicy:
		return "resource policy"
	case policy.SessionPolicy:
		return "session policy"
	case policy.Boundary:
		return "permissions boundary"
	case policy.SCP:
		return "service control policy"
	default:
		return "resource control policy"
	}
}

// documentName adds which of several it is.
func documentName(e explain.Edit) string {
	if e.Policy == policy.ResourcePolicy || e.Policy == policy.SessionPolicy {
		return layerName(e.Policy)
	}
	return fmt.Sprintf("%s %d", layerName(e.Policy), e.Index)
}

func statementLine(s explain.Statement) string {
	line := s.Effect + " " + s.Sid
	if s.Sid == "" {
		line = fmt.Sprintf("%s, statement %d", s.Effect, s.Statement)
	}
	if s.Matched {
		return printable(line + ": matches")
	}
	why := make([]string, len(s.Unmet))
	for i, u := range s.Unmet {
		why[i] = u.String()
	}
	return printable(line + ": does not match: " + strings.Join(why, "; "))
}

// printChange lists the edits, then each document that they alter, once.
func printChange(out *output, c *explain.Change) {
	out.printf("\n%s\n", out.onOut.paint(bold, "smallest change after which it is "+spaced(c.Decision)))
	var altered []explain.Edit
	for _, e := range c.Edits {
		if e.Policy == "" {
			out.printf("  the request: %s\n", printable(e.Text))
			continue
		}
		out.printf("  %s, %s: %s\n", documentName(e), printable(e.Pointer), printable(e.Text))
		same := func(other explain.Edit) bool { return other.Policy == e.Policy && other.Index == e.Index }
		if !slices.ContainsFunc(altered, same) {
			altered = append(altered, e)
		}
	}
	for _, e := range altered {
		if e.Document == nil {
			continue
		}
		out.printf("\n%s, corrected:\n", documentName(e))
		out.verbatim("%s\n", pretty(e.Document))
	}
}

// pretty writes a policy for people.
func pretty(d *policy.Document) string { return indentedJSON(d.JSON()) }

// indentedJSON indents, and escapes what a terminal would obey.
func indentedJSON(text []byte) string {
	var b bytes.Buffer
	if err := json.Indent(&b, text, "", "  "); err != nil {
		return printable(string(text))
	}
	lines := strings.Split(b.String(), "\n")
	for i, line := range lines {
		lines[i] = printable(line)
	}
	return strings.Join(lines, "\n")
}
