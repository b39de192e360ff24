package policy_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"unicode"

	"pgregory.net/rapid"

	"github.com/rolecall/rolecall"
	"github.com/rolecall/rolecall/policy"
)

const home = "111122223333"

// principals has each kind of principal.
var principals = map[string]string{
	"user": "arn:aws:iam::" + home + ":user/team/bob", "role": "arn:aws:iam::" + home + ":role/r",
	"session": "arn:aws:sts::" + home + ":assumed-role/r/s", "federated": "arn:aws:sts::" + home + ":federated-user/fred",
	"root": "arn:aws:iam::" + home + ":root", "service": "ec2.amazonaws.com", "anonymous": "*",
	"web": "accounts.google.com", "saml": "arn:aws:iam::" + home + ":saml-provider/p",
}

func drawPrincipal(t *rapid.T) string {
	return principals[rapid.SampledFrom(slices.Sorted(maps.Keys(principals))).Draw(t, "principal")]
}

// A condition key is found whatever its case and however many others there
// are, in conditions and in variables.
func TestKeysFoldAlike(t *testing.T) {
	t.Parallel()
	letters := rapid.SampledFrom([]rune("aZkKsSéÉüÜßẞıİſKςσΣμµжЖǅǆⱥȺ日/-"))
	rapid.Check(t, func(t *rapid.T) {
		name := string(rapid.SliceOfN(letters, 1, 6).Draw(t, "name"))
		asked := strings.Map(func(r rune) rune {
			for range rapid.IntRange(0, 3).Draw(t, "turns") {
				// The other cases of a letter, within its alphabet.
				if next := unicode.SimpleFold(r); (next < 128) == (r < 128) {
					r = next
				}
			}
			return r
		}, name)
		context := map[string][]string{"aws:PrincipalTag/" + asked: {"v"}}
		for i := range rapid.IntRange(0, 40).Draw(t, "others") {
			context[fmt.Sprintf("aws:RequestTag/other%d", i)] = []string{"w"}
		}
		in := policy.Request{Principal: principals["user"], Action: "s3:GetObject", Resource: "arn:aws:s3:::b/v", Context: context}
		for _, statement := range []any{
			map[string]any{"Effect": "Allow", "Action": "*", "Resource": "*", "Condition": map[string]any{"StringEquals": map[string]any{"aws:principaltag/" + name: "v"}}},
			map[string]any{"Effect": "Allow", "Action": "*", "Resource": "arn:aws:s3:::b/${AWS:PrincipalTag/" + name + "}"},
		} {
			got := policy.Evaluate(in, policy.Policies{Identity: []*policy.Document{written(t, statement)}})
			if got.Decision != policy.Allowed {
				t.Fatalf("%q is not found as %q: %+v", asked, name, got)
			}
		}
	})
}

// written is a document of one statement.
func written(t *rapid.T, statement any) *policy.Document {
	text, err := json.Marshal(map[string]any{"Version": "2012-10-17", "Statement": []any{statement}})
	if err != nil {
		t.Fatal(err)
	}
	d, err := policy.Parse(text)
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return d
}

// An incomplete ARN means in an identity policy and a boundary what it means
// with its stars written out, and no session policy has one.
func TestIncompleteARNs(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		one := func(label string, of ...string) string { return rapid.SampledFrom(of).Draw(t, label) }
		parts := []string{one("prefix", "arn", "arn", "*"), one("partition", "aws", "aws-cn", "a*"), one("service", "s3", "sqs", "s?"), one("region", "", "eu-west-1", "*"), one("account", "", home, "*")}
		short := parts[:rapid.IntRange(2, 5).Draw(t, "parts")]
		full := slices.Concat(short, []string{"*", "*", "*", "*", "*"})[:6]
		element, effect := one("element", "Resource", "NotResource"), one("effect", "Allow", "Deny")
		in := policy.Request{
			Principal: principals["user"], Action: "s3:GetObject", Account: home,
			Resource: one("resource", "arn:aws:s3:::b/k:l", "arn:aws:sqs:eu-west-1:"+home+":q", "arn:aws-cn:s3:::b"),
		}
		boundary := rapid.Bool().Draw(t, "boundary")
		decide := func(arn []string) policy.Decision {
			d := written(t, map[string]any{"Effect": effect, "Action": "*", element: strings.Join(arn, ":")})
			all := written(t, map[string]any{"Effect": "Allow", "Action": "*", "Resource": "*"})
			p := policy.Policies{Identity: []*policy.Document{d}}
			if boundary {
				p = policy.Policies{Identity: []*policy.Document{all}, Boundary: []*policy.Document{d}}
			}
			if err := d.Fit(policy.SessionPolicy); (err != nil) != (len(arn) < 6) {
				t.Fatalf("in a session policy: %v: %s", err, d.JSON())
			}
			return policy.Evaluate(in, p).Decision
		}
		if got, want := decide(short), decide(full); got != want {
			t.Fatalf("%v is %s, %v is %s", short, got, full, want)
		}
	})
}

// What is derived of a principal decides as if it were given, and a key that is
// given as an empty list is not there.
func TestDerivedIsGiven(t *testing.T) {
	t.Parallel()
	keys := map[string]map[string]string{
		"aws:username":              {"user": "bob"},
		"aws:userid":                {"root": home, "federated": home + ":fred", "anonymous": "anonymous"},
		"aws:PrincipalType":         {"user": "User", "role": "AssumedRole", "session": "AssumedRole", "federated": "FederatedUser", "root": "Account", "anonymous": "Anonymous"},
		"aws:PrincipalIsAWSService": {"user": "false", "role": "false", "session": "false", "federated": "false", "root": "false", "service": "true"},
		"aws:PrincipalServiceName":  {"service": "ec2.amazonaws.com"},
		"aws:FederatedProvider":     {"web": "accounts.google.com"},
		"aws:PrincipalAccount":      {"user": home, "role": home, "session": home, "federated": home, "root": home, "anonymous": "anonymous"},
		"aws:PrincipalArn": {
			"user": principals["user"], "role": principals["role"], "session": principals["role"],
			"federated": principals["federated"], "root": principals["root"],
		},
		"kms:CallerAccount":   {"user": home, "role": home, "session": home, "federated": home, "root": home},
		"aws:ResourceAccount": {"user": home, "role": home, "session": home, "federated": home, "root": home, "service": home, "anonymous": home, "web": home, "saml": home},
	}
	for key, values := range keys {
		for kind, principal := range principals {
			in := policy.Request{Principal: principal, Action: "kms:Decrypt", Resource: "arn:aws:kms:eu-west-1:" + home + ":key/k", Account: home}
			if kind == "anonymous" {
				in.Action, in.Resource = "s3:GetObject", "arn:aws:s3:::b/k"
			}
			// A Deny that hangs on the key, so that all else is the same.
			matches := func(condition string) bool {
				d := mustParse(t, `{"Version":"2012-10-17","Statement":{"Effect":"Deny","Principal":"*","Action":"*","Resource":"*","Condition":`+condition+`}}`)
				return policy.Evaluate(in, policy.Policies{Resource: d}).Decision == policy.ExplicitlyDenied
			}
			want, known := values[kind]
			if got := matches(`{"StringEquals":{"` + strings.ToUpper(key) + `":"` + want + `"}}`); known && !got {
				t.Errorf("%s of %s is not %s", key, kind, want)
			}
			if got := matches(`{"Null":{"` + key + `":"true"}}`); got == known {
				t.Errorf("%s of %s: absent is %v", key, kind, got)
			}
			in.Context = map[string][]string{strings.ToLower(key): {"given"}}
			if !matches(`{"StringEquals":{"` + key + `":"given"}}`) {
				t.Errorf("%s of %s: what is given does not count", key, kind)
			}
			in.Context = map[string][]string{key: {}}
			if !matches(`{"Null":{"` + key + `":"true"}}`) {
				t.Errorf("%s of %s is there, though an empty list is given", key, kind)
			}
		}
	}
}

// Who can call what of STS and IAM, if all policies allow it.
func TestCallers(t *testing.T) {
	t.Parallel()
	all := mustParse(t, `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"*","Resource":"*"}}`)
	trust := mustParse(t, `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":{"AWS":"*","Service":"`+principals["service"]+`","Federated":["`+principals["web"]+`","`+principals["saml"]+`"]},"Action":"*"}}`)
	for action, callers := range map[string]string{
		"sts:AssumeRole":                "user role session service web saml",
		"sts:TagSession":                "user role session service web saml",
		"sts:AssumeRoleWithSAML":        "user role session service root web saml federated anonymous",
		"sts:AssumeRoleWithWebIdentity": "user role session service root web saml federated anonymous",
		"sts:GetFederationToken":        "user root",
		"STS:getsessiontoken":           "user root",
		"sts:GetCallerIdentity":         "user role session service root federated",
		"iam:GetRole":                   "user role session service root web saml",
		"kms:ListKeys":                  "user role session service root web saml federated",
		"s3:GetObject":                  "user role session service root web saml federated anonymous",
	} {
		for kind, principal := range principals {
			got := policy.Evaluate(
				policy.Request{Principal: principal, Action: action, Resource: "*", Account: home},
				policy.Policies{Identity: []*policy.Document{all}, Session: all, Resource: trust},
			)
			want := slices.Contains(strings.Fields(callers), kind)
			if (got.Decision == policy.Allowed) != want || want == (got.Refused != "") {
				t.Errorf("%s by %s: %+v", action, kind, got)
			}
		}
	}
}

// What policies say of the calls that they do not control changes nothing.
func TestUnpoliced(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		w := drawWorld(t)
		w.request.Principal = drawPrincipal(t)
		w.request.Action = rapid.SampledFrom([]string{"sts:GetCallerIdentity", "sts:GetSessionToken"}).Draw(t, "call")
		delete(w.request.Context, "aws:TokenIssueTime")
		if got, bare := w.decide(t), policy.Evaluate(w.request, policy.Policies{}); got.Decision != bare.Decision || len(got.DecidedBy)+len(got.Missing) > 0 {
			t.Fatalf("%+v, without policies %+v", got, bare)
		}
	})
}

// Conditions with empty lists and empty values, against what the pages say.
func TestEmptyConditions(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		set := rapid.SampledFrom([]string{"", "ForAllValues:", "ForAnyValue:"}).Draw(t, "set")
		base := rapid.SampledFrom([]string{"StringEquals", "StringNotEquals", "StringLike", "StringNotLike", "StringEqualsIgnoreCase"}).Draw(t, "operator")
		suffix := rapid.SampledFrom([]string{"", "IfExists"}).Draw(t, "suffix")
		values := rapid.SliceOfN(rapid.SampledFrom([]string{"", "a", "b"}), 0, 2).Draw(t, "values")
		got := rapid.SliceOfN(rapid.SampledFrom([]string{"", "a", "b"}), 0, 3).Draw(t, "got")
		negated := strings.Contains(base, "Not")
		meets := func(g string) bool { return slices.Contains(values, g) != negated }
		null := !slices.ContainsFunc(got, func(g string) bool { return g != "" })
		var want bool
		switch {
		case len(got) == 0 && suffix != "":
			want = true
		case set != "" && null:
			want = set == "ForAllValues:"
		case len(values) == 0 && (set != "" || suffix != ""):
			want = len(got) == 0 && set != "ForAnyValue:"
		case len(got) == 0:
			want = negated
		case set == "ForAllValues:" || set == "" && negated:
			want = !slices.ContainsFunc(got, func(g string) bool { return !meets(g) })
		default:
			want = slices.ContainsFunc(got, meets)
		}
		d := written(t, map[string]any{"Effect": "Allow", "Action": "*", "Resource": "*", "Condition": map[string]any{set + base + suffix: map[string]any{"aws:RequestTag/t": values}}})
		in := policy.Request{Principal: principals["user"], Action: "s3:GetObject", Resource: "arn:aws:s3:::b/k", Context: map[string][]string{"aws:RequestTag/t": got}}
		if decision := policy.Evaluate(in, policy.Policies{Identity: []*policy.Document{d}}).Decision; (decision == policy.Allowed) != want {
			t.Fatalf("%s%s%s %q of %q: %s", set, base, suffix, values, got, decision)
		}
		null = null || len(got) == 0
		d = written(t, map[string]any{"Effect": "Allow", "Action": "*", "Resource": "*", "Condition": map[string]any{"Null": map[string]any{"aws:RequestTag/t": fmt.Sprint(null)}}})
		if decision := policy.Evaluate(in, policy.Policies{Identity: []*policy.Document{d}}).Decision; decision != policy.Allowed {
			t.Fatalf("Null %v of %q: %s", null, got, decision)
		}
	})
}

// Each line is answered, and the newline at the end begins none.
func TestSimulateAnswersEachLine(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		lines := rapid.SliceOfN(rapid.SampledFrom([]string{"", " ", "\t \r", "{}", line("")}), 0, 6).Draw(t, "lines")
		in := strings.Join(lines, "\n")
		want := lines
		if len(lines) > 0 && rapid.Bool().Draw(t, "newline") {
			in += "\n"
		} else if len(lines) > 0 && lines[len(lines)-1] == "" {
			want = lines[:len(lines)-1] // which ends in a newline, too
		}
		var out strings.Builder
		if err := policy.Simulate(strings.NewReader(in), &out); err != nil {
			t.Fatal(err)
		}
		got := strings.Split(out.String(), "\n")
		if len(got) != len(want)+1 {
			t.Fatalf("%d answers to %q: %s", len(got)-1, want, out.String())
		}
		for i, text := range want {
			var answer struct{ Error *rolecall.Error }
			if err := json.Unmarshal([]byte(got[i]), &answer); err != nil {
				t.Fatal(err)
			}
			if blank := strings.TrimSpace(text) == ""; blank && (answer.Error == nil || answer.Error.Code != rolecall.Invalid || answer.Error.Pointer != "" || !strings.HasPrefix(answer.Error.Hint, "You: ")) {
				t.Fatalf("%q: %s", text, got[i])
			}
		}
	})
}
