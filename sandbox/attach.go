package sandbox

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/rolecall/rolecall"
	"github.com/rolecall/rolecall/internal/strict"
	"github.com/rolecall/rolecall/policy"
)

// What AWS requires of a document where it is attached, in addition to the
// grammar that package policy checks.

// writtenStatement is a statement as its author wrote it. Absent elements are
// nil.
type writtenStatement struct {
	at                      string // pointer into the document
	Sid, Effect             *string
	Principal, NotPrincipal writtenPrincipals
	Action, NotAction       oneOrMore
	Resource, NotResource   oneOrMore
	Condition               map[string]map[string]scalars // by operator and key
}

// oneOrMore is a string, or a list of them.
type oneOrMore []string

// UnmarshalJSON reads either form.
func (o *oneOrMore) UnmarshalJSON(data []byte) error {
	var one string
	if json.Unmarshal(data, &one) == nil {
		*o = oneOrMore{one}
		return nil
	}
	return json.Unmarshal(data, (*[]string)(o))
}

func (o oneOrMore) all(holds func(string) bool) bool {
	for _, s := range o {
		if !holds(s) {
			return false
		}
	}
	return true
}

// writtenPrincipals holds principals by their kind, "AWS" or "Service"; a bare
// "*" is under "AWS".
type writtenPrincipals map[string]oneOrMore

// UnmarshalJSON reads either form.
func (p *writtenPrincipals) UnmarshalJSON(data []byte) error {
	var everyone string
	if json.Unmarshal(data, &everyone) == nil {
		*p = writtenPrincipals{"AWS": {everyone}}
		return nil
	}
	return json.Unmarshal(data, (*map[string]oneOrMore)(p))
}

// scalars are the values of a condition, as text.
type scalars []string

// UnmarshalJSON reads one value or a list, whatever they are.
func (v *scalars) UnmarshalJSON(data []byte) error {
	var list []any
	if json.Unmarshal(data, &list) != nil {
		list = make([]any, 1)
		if err := json.Unmarshal(data, &list[0]); err != nil {
			return err
		}
	}
	*v = scalars{}
	for _, value := range list {
		*v = append(*v, fmt.Sprint(value))
	}
	return nil
}

// statements returns the statements of a parsed document, whose elements have
// the right types.
func statements(d *policy.Document) []writtenStatement {
	list, _ := readStatements(d.JSON())
	return list
}

// readStatements returns the statements of a policy's text. It reports false if
// they cannot be read.
func readStatements(text []byte) ([]writtenStatement, bool) {
	var list struct{ Statement []writtenStatement }
	if json.Unmarshal(text, &list) == nil {
		for i := range list.Statement {
			list.Statement[i].at = strict.Pointer("Statement", i)
		}
		return list.Statement, true
	}
	var one struct{ Statement *writtenStatement }
	if json.Unmarshal(text, &one) == nil && one.Statement != nil {
		one.Statement.at = strict.Pointer("Statement")
		return []writtenStatement{*one.Statement}, true
	}
	return nil, false
}

// documentSize returns what counts for AWS's limits: characters without the
// white space between them.
func documentSize(d *policy.Document) int {
	var out bytes.Buffer
	if json.Compact(&out, d.JSON()) != nil {
		return len(d.JSON())
	}
	return utf8.RuneCount(out.Bytes())
}

// malformedPrincipal returns the principal, as IAM shows it, that makes a policy's
// text faulty, or "" if it is another element that does.
func malformedPrincipal(text []byte, err error) string {
	place := rolecall.List(err)[0].Pointer
	list, _ := readStatements(text)
	for _, s := range list {
		for element, named := range map[string]writtenPrincipals{"Principal": s.Principal, "NotPrincipal": s.NotPrincipal} {
			for kind, names := range named {
				for i, name := range names {
					if at := s.at + strict.Pointer(element, kind); place == at || place == at+strict.Pointer(i) {
						return `"` + cut(kind) + `":"` + cut(name) + `"`
					}
				}
			}
		}
	}
	return ""
}

// missingPrincipal returns a principal of the document that does not exist, as
// IAM shows it, or "". Canonical ids exist in no account here: its number stands
// for it.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_roles.html
func (d *directory) missingPrincipal(doc *policy.Document) string {
	d.mu.RLock()
	defer d.mu.RUnlock()
	for _, s := range statements(doc) {
		for _, element := range []writtenPrincipals{s.Principal, s.NotPrincipal} {
			for _, kind := range slices.Sorted(maps.Keys(element)) {
				for _, name := range element[kind] {
					if !d.exists(kind, name) {
						return `"` + kind + `":"` + cut(name) + `"`
					}
				}
			}
		}
	}
	return ""
}

// exists reports whether there is a principal of a kind.
func (d *directory) exists(kind, name string) bool {
	switch kind {
	case "AWS":
		return d.knows(name)
	case "Service":
		return isService(name)
	case "Federated":
		return d.isProvider(name)
	default:
		return false
	}
}

// knows reports whether a policy may name this principal: everyone, an account,
// a user or role that exists, or a session of such a role.
func (d *directory) knows(name string) bool {
	if name == "*" {
		return true
	}
	if rolecall.IsAccountID(name) {
		return d.accounts[name] != nil
	}
	arn, err := rolecall.ParseARN(name)
	if err != nil {
		return false
	}
	a := d.accounts[arn.Account]
	if a == nil || a.partition != arn.Partition {
		return false
	}
	kind, rest, _ := strings.Cut(arn.Resource, "/")
	last := rest[strings.LastIndexByte(rest, '/')+1:]
	switch arn.Service + " " + kind {
	case "iam root":
		return true
	case "iam user":
		return a.users[last] != nil && a.users[last].arn == name
	case "iam role":
		return a.roles[last] != nil && a.roles[last].arn == name
	case "sts assumed-role":
		role, _, _ := strings.Cut(rest, "/")
		return a.roles[role] != nil
	}
	return false
}
