package check

import (
	"fmt"
	"slices"
	"strings"

	"github.com/rolecall/rolecall"
	"github.com/rolecall/rolecall/policy"
	"github.com/rolecall/rolecall/policy/correct"
)

// limited is what is found where documents allow it but for conditions that
// the account has put on it. Whether these change is for the account to say: no
// patch of the document is left, since each would allow it without them.
func (f finding) limited(o judgement) finding {
	f.patches = slices.DeleteFunc(slices.Clone(f.patches), func(p rolecall.Patch) bool { return p.Document == string(o.Kind) })
	for _, l := range o.Limits {
		if f.hint != "" {
			f.hint += ". "
		}
		f.hint += limitHint(o.Kind, l)
	}
	return f
}

// limitHint names a limit, and who is to change what in it.
func limitHint(kind policy.Kind, l correct.Limit) string {
	caller := "the role's sessions"
	if kind == policy.TrustDocument || kind == policy.WorkerDocument {
		caller = "the worker"
	}
	what, place := "let "+caller+" meet", fmt.Sprintf("%s %s of %s in %s", l.Operator, l.Key, strings.Join(l.Statements, ", "), l.File)
	hint := ""
	key := strings.ToLower(l.Key)
	switch {
	case key == "aws:currenttime" || key == "aws:epochtime":
		hint = fmt.Sprintf("Customer: by your own date access has ended or not begun; if it is meant, change %s", place)
	case key == "aws:sourceip" || key == "aws:vpcsourceip":
		what = "add the address of " + caller + " to"
	case strings.HasPrefix(key, "aws:sourcevpc") || strings.HasPrefix(key, "aws:vpce"):
		what = "add the network of " + caller + " to"
	case strings.HasPrefix(key, "aws:principalorg"):
		what = "add the organization of " + caller + " to"
	case strings.HasPrefix(key, "aws:multifactorauth"):
		what = "spare " + caller + ", which cannot have MFA, from"
	}
	if hint == "" {
		hint = fmt.Sprintf("Customer: if access is meant, %s %s", what, place)
	}
	if kind == policy.WorkerDocument {
		hint = strings.Replace(hint, "Customer", "Operator", 1)
	}
	return hint
}
