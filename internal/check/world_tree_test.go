package check_test

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/rolecall/rolecall/policy"
	"github.com/rolecall/rolecall/policy/correct"
)

// accounts are those of the role and of the bucket.
func (w *world) accounts() (role, owner string) {
	owner = "111122223333"
	if _, ok := w.tree["sandbox"].(map[string]any)["accounts"].(map[string]any)["444455556666"]; ok {
		owner = "444455556666"
	}
	return "111122223333", owner
}

// path is where something is in the tree. What a connection is about can be
// named for what it is.
func (w *world) path(place string) []string {
	role, owner := w.accounts()
	accounts, c := "sandbox/accounts/", w.connection
	head, rest, _ := strings.Cut(place, "/")
	for short, long := range map[string]string{
		"worker":      accounts + vendor + "/roles/VTKWorker",
		"role":        accounts + role + "/roles/" + c,
		"trust":       accounts + role + "/roles/" + c + "/trust/Statement",
		"permissions": accounts + role + "/roles/" + c + "/policies/0/Statement",
		"user":        accounts + role + "/users/" + c,
		"account":     accounts + role,
		"bucket":      accounts + owner + "/buckets/acme-" + c,
		"key":         accounts + owner + "/keys/" + c,
		"owner":       accounts + owner,
		"acme":        "rolecall/organizations/acme",
		"connection":  "rolecall/organizations/acme/connections/" + c,
	} {
		if head == short {
			head = long
		}
	}
	return strings.Split(strings.TrimSuffix(head+"/"+rest, "/"), "/")
}

// at finds what is at a place.
func (w *world) at(t *testing.T, place string) any {
	t.Helper()
	v := w.find(place)
	if v == nil {
		t.Fatalf("nothing is at %s", place)
	}
	return v
}

// find is nil when nothing is there.
func (w *world) find(place string) any {
	var v any = w.tree
	for _, step := range w.path(place) {
		switch at := v.(type) {
		case map[string]any:
			if !hasSid(at, step) { // else a single statement
				v = at[step]
			}
		case []any:
			i := index(at, step)
			if i < 0 {
				return nil
			}
			v = at[i]
		default:
			return nil
		}
	}
	return v
}

// given are the documents of the set-up that a hint asks for by --policy.
func (w *world) given(t *testing.T, hint string) []correct.Given {
	t.Helper()
	return w.documents(t, slices.DeleteFunc(slices.Clone(correct.Kinds()), func(kind policy.Kind) bool { return !strings.Contains(hint, "--policy "+string(kind)+"=FILE") }))
}

// documents are those of the set-up that are of the kinds.
func (w *world) documents(t *testing.T, kinds []policy.Kind) []correct.Given {
	t.Helper()
	var out []correct.Given
	for _, kind := range kinds {
		place := map[policy.Kind]string{
			policy.TrustDocument: "role/trust", policy.PermissionsDocument: "role/policies", policy.BoundaryDocument: "role/boundary", policy.BucketDocument: "bucket/policy",
			policy.KeyDocument: "key/policy", policy.WorkerDocument: "worker/policies", policy.SCPDocument: "account/scp", policy.RCPDocument: "account/rcp",
		}[kind]
		there := w.find(place)
		if kind == policy.RCPDocument && there == nil {
			there = w.find("owner/rcp")
		}
		if there == nil {
			continue
		}
		for i, document := range listOf(there) {
			text, err := json.Marshal(document)
			if err != nil {
				t.Fatal(err)
			}
			d, err := policy.Parse(text)
			if err != nil {
				t.Fatal(err)
			}
			out = append(out, correct.Given{Kind: kind, File: fmt.Sprintf("%s-%d.json", kind, i), Document: d})
		}
	}
	return out
}

// index finds an element by its number, or a statement by its Sid.
func index(list []any, step string) int {
	if i, err := strconv.Atoi(step); err == nil && i < len(list) {
		return i
	}
	for i, v := range list {
		if s, ok := v.(map[string]any); ok && hasSid(s, step) {
			return i
		}
	}
	return -1
}

// hasSid reports whether a statement has the Sid, or that with what distinguishes
// a connection's.
func hasSid(statement map[string]any, sid string) bool {
	is, _ := statement["Sid"].(string)
	return is == sid || strings.HasPrefix(is, sid) && distinguishes.MatchString(is[len(sid):])
}

var distinguishes = regexp.MustCompile(`^([A-Z][A-Za-z0-9]*)?[0-9a-f]{8}$`)

// set changes one place: nil takes away what is there, the name "-" adds to a
// list. What is on the way is made.
func (w *world) set(t *testing.T, place string, value any) {
	t.Helper()
	w.tree = put(t, w.tree, w.path(place), w.expand(value), place).(map[string]any)
}

func put(t *testing.T, v any, path []string, value any, place string) any {
	t.Helper()
	if len(path) == 0 {
		return value
	}
	step := path[0]
	list, isList := v.([]any)
	m, isMap := v.(map[string]any)
	switch {
	case step == "-" && (isList || v == nil):
		return append(list, put(t, nil, path[1:], value, place))
	case isList:
		i := index(list, step)
		switch {
		case i < 0:
			t.Fatalf("%s: nothing is at %s", place, step)
		case len(path) == 1 && value == nil:
			return append(list[:i:i], list[i+1:]...)
		}
		list[i] = put(t, list[i], path[1:], value, place)
		return list
	case v == nil:
		m = map[string]any{}
	case !isMap:
		t.Fatalf("%s: nothing can be at %s", place, step)
	case hasSid(m, step):
		return put(t, v, path[1:], value, place)
	}
	if len(path) == 1 && value == nil {
		delete(m, step)
		return m
	}
	m[step] = put(t, m[step], path[1:], value, place)
	return m
}

// expand puts the names of what the set-up is about into texts: {role} and so on.
func (w *world) expand(value any) any {
	data, err := json.Marshal(value)
	if err != nil {
		panic(err)
	}
	role, owner := w.accounts()
	text := strings.NewReplacer(
		"{role}", "arn:aws:iam::"+role+":role/"+w.connection, "{bucket}", "acme-"+w.connection,
		"{key}", "arn:aws:kms:eu-central-1:"+owner+":key/"+w.connection, "{account}", role, "{owner}", owner,
		"{worker}", "arn:aws:iam::"+vendor+":role/VTKWorker", "{vendor}", vendor,
	).Replace(string(data))
	var out any
	if err := json.Unmarshal([]byte(text), &out); err != nil {
		panic(err)
	}
	return out
}
