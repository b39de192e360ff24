package policy_test

import (
	"encoding/json"
	"regexp"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/rolecall/rolecall/policy"
)

// world is a random request with policies whose parts are near it.
type world struct {
	request  policy.Request
	identity []string // statements, as JSON
	resource []string
	session  []string
	boundary []string
	scp      []string
}

func drawWorld(t *rapid.T) world {
	statements := func(name, principal string, least int) []string {
		return rapid.SliceOfN(rapid.Custom(func(t *rapid.T) string { return drawStatement(t, principal) }), least, 4).Draw(t, name)
	}
	return world{
		request: policy.Request{
			Principal: rapid.SampledFrom([]string{"arn:aws:iam::111111111111:user/u", "arn:aws:sts::111111111111:assumed-role/r/s"}).Draw(t, "principal"),
			Action:    rapid.SampledFrom([]string{"s3:GetObject", "s3:PutObject", "kms:Decrypt"}).Draw(t, "action"),
			Resource:  rapid.SampledFrom([]string{"arn:aws:s3:::b/k", "arn:aws:s3:::b/u/k"}).Draw(t, "resource"),
			Account:   rapid.SampledFrom([]string{"111111111111", "222222222222"}).Draw(t, "account"),
			Context: rapid.MapOfN(rapid.SampledFrom([]string{"aws:username", "aws:PrincipalTag/a", "aws:TagKeys"}),
				rapid.SliceOfN(rapid.SampledFrom([]string{"u", "v"}), 1, 2), 0, 3).Draw(t, "context"),
		},
		identity: statements("identity", "", 0),
		resource: statements("resource", "principal", 0),
		session:  statements("session", "", 0),
		boundary: statements("boundary", "", 0),
		scp:      statements("scp", "", 0),
	}
}

func drawStatement(t *rapid.T, principal string) string {
	s := map[string]any{
		"Effect":   rapid.SampledFrom([]string{"Allow", "Allow", "Allow", "Deny"}).Draw(t, "effect"),
		"Action":   rapid.SampledFrom([]string{"*", "s3:*", "s3:getobject", "kms:*"}).Draw(t, "action"),
		"Resource": rapid.SampledFrom([]string{"*", "arn:aws:s3:::b/*", "arn:aws:s3:::b/${aws:username}/*"}).Draw(t, "resource"),
	}
	if principal != "" {
		s["Principal"] = map[string]string{"AWS": rapid.SampledFrom([]string{
			"*", "111111111111", "222222222222",
			"arn:aws:iam::111111111111:user/u", "arn:aws:iam::111111111111:role/r", "arn:aws:sts::111111111111:assumed-role/r/s",
		}).Draw(t, "who")}
	}
	if rapid.Bool().Draw(t, "conditional") {
		op := rapid.SampledFrom([]string{
			"StringEquals", "StringNotEquals", "StringLikeIfExists", "ForAllValues:StringEquals",
			"ForAnyValue:StringNotLike",
		}).Draw(t, "operator")
		key := rapid.SampledFrom([]string{"aws:username", "aws:PrincipalTag/a", "aws:TagKeys"}).Draw(t, "key")
		s["Condition"] = map[string]any{op: map[string]any{key: rapid.SampledFrom([]string{"u", "v", "*", "${aws:username}"}).Draw(t, "value")}}
	}
	text, err := json.Marshal(s)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func (w world) decide(t *rapid.T) policy.Result {
	return policy.Evaluate(w.request, w.policies(t))
}

func (w world) policies(t *rapid.T) policy.Policies {
	document := func(statements []string) *policy.Document {
		if len(statements) == 0 {
			return nil
		}
		d, err := policy.Parse([]byte(`{"Version":"2012-10-17","Statement":[` + strings.Join(statements, ",") + `]}`))
		if err != nil {
			t.Fatal(err)
		}
		return d
	}
	list := func(statements []string) []*policy.Document {
		if d := document(statements); d != nil {
			return []*policy.Document{d}
		}
		return nil
	}
	return policy.Policies{
		Identity: list(w.identity), Resource: document(w.resource),
		Session: document(w.session), Boundary: list(w.boundary), SCP: [][]*policy.Document{list(w.scp)},
	}
}

// change draws one of the world's policies that is there.
func (w *world) change(t *rapid.T) *[]string {
	all := []*[]string{&w.identity, &w.resource, &w.session, &w.boundary, &w.scp}
	all = slices.DeleteFunc(all, func(s *[]string) bool { return len(*s) == 0 })
	if len(all) == 0 {
		t.Skip("no policies")
	}
	p := rapid.SampledFrom(all).Draw(t, "policy")
	*p = slices.Clone(*p)
	return p
}

// A Deny more, or an Allow less, never allows what was not allowed.
func TestLessIsNeverMore(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		w := drawWorld(t)
		before := w.decide(t)
		p := w.change(t)
		if rapid.Bool().Draw(t, "add a Deny") {
			denial := strings.Replace(drawStatement(t, "principal"), `"Effect":"Allow"`, `"Effect":"Deny"`, 1)
			if p != &w.resource {
				denial = regexp.MustCompile(`"Principal":{[^}]*},`).ReplaceAllString(denial, "")
			}
			*p = append(*p, denial)
		} else {
			i := rapid.IntRange(0, len(*p)-1).Draw(t, "statement")
			if strings.Contains((*p)[i], `"Deny"`) || len(*p) == 1 {
				t.Skip("not an Allow that leaves a policy")
			}
			*p = slices.Delete(*p, i, i+1)
		}
		after := w.decide(t)
		if after.Decision == policy.Allowed && before.Decision != policy.Allowed {
			t.Errorf("was %+v, is %+v", before, after)
		}
		if before.Decision == policy.ExplicitlyDenied && after.Decision != policy.ExplicitlyDenied {
			t.Errorf("the denial is gone: was %+v, is %+v", before, after)
		}
	})
}

func TestOrderDoesNotMatter(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		w := drawWorld(t)
		before := w.decide(t)
		for _, p := range []*[]string{&w.identity, &w.resource, &w.session, &w.boundary, &w.scp} {
			*p = rapid.Permutation(*p).Draw(t, "order")
		}
		after := w.decide(t)
		if before.Decision != after.Decision || len(before.DecidedBy) != len(after.DecidedBy) || !slices.Equal(before.Missing, after.Missing) {
			t.Errorf("was %+v, is %+v", before, after)
		}
	})
}

// What decided agrees with the decision.
func TestResultIsWhole(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		r := drawWorld(t).decide(t)
		switch r.Decision {
		case policy.Allowed, policy.ExplicitlyDenied:
			if len(r.DecidedBy) == 0 || len(r.Missing) != 0 {
				t.Errorf("%+v", r)
			}
		case policy.ImplicitlyDenied:
			if len(r.DecidedBy) != 0 || len(r.Missing) == 0 {
				t.Errorf("%+v", r)
			}
		}
	})
}
