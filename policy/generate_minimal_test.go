package policy_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/rolecall/rolecall"
	"github.com/rolecall/rolecall/policy"
)

// TestKitIsMinimal takes every single thing out of every document: a
// statement, an action, a resource, a principal, a condition, a value of one. Each time one
// of the trials must notice.
func TestKitIsMinimal(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{} // many shapes have documents in common
	for _, s := range shapes() {
		kit := s.kit(t)
		for name := range documents(&kit) {
			document := *documents(&kit)[name]
			if document == nil || seen[string(name)+string(document.JSON())] {
				continue
			}
			seen[string(name)+string(document.JSON())] = true
			concerned := slices.DeleteFunc(s.trials(), func(r trial) bool {
				p := r.around(kit)
				return p.Resource != document && !slices.Contains(p.Identity, document)
			})
			for _, m := range mutations(t, document) {
				mutant := kit
				*documents(&mutant)[name] = m.document
				if !slices.ContainsFunc(concerned, func(r trial) bool { return !r.passes(mutant) }) {
					t.Fatalf("%+v\n%s: nobody misses %s in\n%s", s, name, m.removed, document.JSON())
				}
			}
		}
	}
}

type mutation struct {
	removed  string
	document *policy.Document
}

// mutations returns the document without each of its single things. An element
// whose last value goes is as good as the statement gone, which is tried.
func mutations(t *testing.T, d *policy.Document) []mutation {
	t.Helper()
	var out []mutation
	note := func(removed string, statements []any) {
		if len(statements) == 0 {
			// No document at all is what the kit says by nil.
			out = append(out, mutation{removed, nil})
			return
		}
		text, err := json.Marshal(map[string]any{"Version": "2012-10-17", "Statement": statements})
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, mutation{removed, knownGood(string(text))})
	}
	var parsed struct{ Statement []map[string]any }
	if err := json.Unmarshal(d.JSON(), &parsed); err != nil {
		t.Fatal(err)
	}
	for i, statement := range parsed.Statement {
		with := func(replacement ...any) []any {
			var all []any
			for j, s := range parsed.Statement {
				if j == i {
					all = append(all, replacement...)
				} else {
					all = append(all, s)
				}
			}
			return all
		}
		note(fmt.Sprint(statement["Sid"]), with())
		for removed, rest := range without(statement) {
			note(fmt.Sprintf("%v %s", statement["Sid"], removed), with(rest))
		}
	}
	return out
}

// without returns the value without each of the things in it, by what each is.
func without(v any) map[string]any {
	out := map[string]any{}
	switch v := v.(type) {
	case []any:
		for i := range v {
			if len(v) > 1 {
				out[fmt.Sprintf("/%v", v[i])] = slices.Delete(slices.Clone(v), i, i+1)
			}
		}
	case map[string]any:
		for name, value := range v {
			if !slices.Contains([]string{"Sid", "Effect", "Principal", "AWS", "Action", "Resource"}, name) {
				rest := maps.Clone(v)
				delete(rest, name)
				if len(rest) > 0 {
					out["/"+name] = rest
				}
			}
			for removed, less := range without(value) {
				rest := maps.Clone(v)
				rest[name] = less
				out["/"+name+removed] = rest
			}
		}
	}
	return out
}

// TestKitReasons: each statement has a Sid of its own and a reason of a line.
func TestKitReasons(t *testing.T) {
	t.Parallel()
	for _, s := range shapes() {
		kit := s.kit(t)
		said := map[string]string{}
		for _, r := range kit.Reasons {
			if r.Text == "" || strings.Contains(r.Text, "\n") || said[string(r.Document)+"/"+r.Sid] != "" {
				t.Errorf("%+v: reason %+v", s, r)
			}
			said[string(r.Document)+"/"+r.Sid] = r.Text
		}
		statements := 0
		for name, d := range documents(&kit) {
			if *d == nil {
				continue
			}
			var parsed struct{ Statement []struct{ Sid string } }
			if err := json.Unmarshal((*d).JSON(), &parsed); err != nil {
				t.Fatal(err)
			}
			for _, statement := range parsed.Statement {
				statements++
				if said[string(name)+"/"+statement.Sid] == "" {
					t.Errorf("%+v: no reason for %s %q", s, name, statement.Sid)
				}
			}
		}
		if statements != len(said) {
			t.Errorf("%+v: %d reasons for %d statements", s, len(said), statements)
		}
		if s.grants && s.purpose == rolecall.Delivery && !slices.ContainsFunc(kit.Reasons, func(r policy.Reason) bool {
			return r.Document == policy.PermissionsDocument && strings.HasPrefix(r.Sid, "RolecallPutObjectTagging") && strings.Contains(r.Text, "storage:tag_s3 is refused, and copies lose their tags")
		}) {
			t.Errorf("%+v: a grant does not say what is lost without it", s)
		}
	}
}
