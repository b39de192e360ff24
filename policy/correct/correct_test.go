package correct

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/rolecall/rolecall/policy"
	"github.com/rolecall/rolecall/policy/internal/tree"
)

func parsed(t rapid.TB, text string) *policy.Document {
	t.Helper()
	d, err := policy.Parse([]byte(text))
	if err != nil {
		t.Fatalf("%v: %s", err, text)
	}
	return d
}

const (
	us       = "arn:aws:iam::111122223333:role/media"
	ourGrant = `{"Sid":"Ours","Effect":"Allow","Action":["s3:GetObject","s3:PutObject"],"Resource":"arn:aws:s3:::b/in/*"}`
)

// drawStatement writes a statement of somebody's, as documents of the kind
// have them.
func drawStatement(t *rapid.T, kind policy.Kind) string {
	one := func(label string, of ...string) string { return rapid.SampledFrom(of).Draw(t, label) }
	effect := one("effect", "Allow", "Deny")
	out := `{"Effect":"` + effect + `"`
	if rapid.Bool().Draw(t, "named") {
		out += `,"Sid":"` + one("sid", "Ours", "Theirs") + `"`
	}
	if kind.Layer() == policy.ResourcePolicy {
		named := []string{`"Principal":"*"`, `"Principal":{"AWS":"111122223333"}`, `"Principal":{"AWS":["` + us + `","arn:aws:iam::111122223333:role/other"]}`}
		if effect == "Deny" {
			named = append(named, `"NotPrincipal":{"AWS":["arn:aws:iam::111122223333:role/other","111122223333"]}`)
		}
		out += "," + one("principal", named...)
	}
	out += "," + one("action", `"Action":"s3:*"`, `"Action":["s3:GetObject"]`, `"NotAction":"s3:GetObject"`, `"Action":"s3:Put*"`)
	out += "," + one("resource", `"Resource":"*"`, `"Resource":["arn:aws:s3:::b/in/*"]`, `"NotResource":"arn:aws:s3:::b/out/*"`)
	return out + one("condition", "", `,"Condition":{"Bool":{"aws:SecureTransport":"true"}}`, `,"Condition":{"NotIpAddress":{"aws:SourceIp":"192.0.2.0/24"}}`,
		`,"Condition":{"ArnNotLike":{"aws:principalarn":"arn:aws:iam::111122223333:role/other"}}`,
		`,"Condition":{"StringNotEquals":{"aws:PrincipalOrgID":"o-x"},"ArnNotEquals":{"aws:PrincipalArn":["arn:aws:iam::111122223333:role/other"]}}`) + "}"
}

func drawRequest(t *rapid.T, role string) policy.Request {
	one := func(label string, of ...string) string { return rapid.SampledFrom(of).Draw(t, label) }
	in := policy.Request{
		Principal: "arn:aws:sts::111122223333:assumed-role/" + role + "/x", Action: one("asks", "s3:GetObject", "s3:PutObject", "s3:DeleteObject"),
		Resource: "arn:aws:s3:::b/" + one("key", "in/a", "out/a"), Account: one("owner", "111122223333", "444455556666"),
		Context: map[string][]string{"aws:SecureTransport": {one("secure", "true", "false")}},
	}
	if rapid.Bool().Draw(t, "from") {
		in.Context["aws:SourceIp"] = []string{one("address", "192.0.2.1", "198.51.100.1")}
	}
	return in
}

// A corrected document lets the connection through, and decides as before
// about everybody else.
func TestCorrectionsAreOurs(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		kind := rapid.SampledFrom([]policy.Kind{policy.BucketDocument, policy.PermissionsDocument, policy.BoundaryDocument, policy.SCPDocument}).Draw(t, "kind")
		var statements []string
		for range rapid.IntRange(1, 4).Draw(t, "statements") {
			statements = append(statements, drawStatement(t, kind))
		}
		d := parsed(t, `{"Version":"2012-10-17","Statement":[`+strings.Join(statements, ",")+`]}`)
		var needed []policy.Request
		for _, action := range []string{"s3:GetObject", "s3:PutObject"} {
			needed = append(needed, policy.Request{
				Principal: "arn:aws:sts::111122223333:assumed-role/media/x", Action: action, Resource: "arn:aws:s3:::b/in/a", Account: "444455556666",
				Context: map[string][]string{"aws:SecureTransport": {"true"}, "aws:PrincipalArn": {us}},
			})
		}
		grant := ourGrant
		if kind == policy.BucketDocument {
			grant = strings.Replace(grant, `"Action"`, `"Principal":{"AWS":"arn:aws:iam::111122223333:root"},"Condition":{"ArnEquals":{"aws:PrincipalArn":"`+us+`"}},"Action"`, 1)
		} else {
			grant = strings.Replace(grant, `"Action"`, `"Condition":{"ArnEquals":{"aws:PrincipalArn":"`+us+`"}},"Action"`, 1) // attached to others, too
		}
		l := layer{kind: kind, account: "111122223333", documents: []*tree.Node{readDocument(d)}, known: knownKeys(needed)}
		l.use = use{{[]string{"s3:GetObject", "s3:PutObject"}, []string{"arn:aws:s3:::b/in/*"}, nil}}
		fixed, _, ok := l.correct(needed, us, []*tree.Node{tree.MustParse([]byte(grant))}, strict)
		if !ok {
			if !l.allowsAll(needed, strict) {
				t.Fatalf("nothing corrects %s", d.JSON())
			}
			return
		}
		if got := fixed.standing(needed); got != Allows {
			t.Fatalf("%s stands %d", fixed.documents[0].JSON(), got)
		}
		everything := func(string) bool { return true }
		was, is := l, fixed
		was.known, is.known = everything, everything
		other := drawRequest(t, rapid.SampledFrom([]string{"other", "third"}).Draw(t, "role"))
		_, before := was.decide(other, strict)
		if _, after := is.decide(other, strict); before != after {
			t.Fatalf("%+v was %t, is %t:\n%s\n%s", other, before, after, d.JSON(), fixed.documents[0].JSON())
		}
		// Nor may the role do more than that, but by what its document allowed.
		ours := drawRequest(t, "media")
		if _, before := was.decide(ours, strict); before {
			if denying, _ := is.decide(ours, strict); len(denying) > 0 {
				t.Fatalf("%+v is denied now:\n%s\n%s", ours, d.JSON(), fixed.documents[0].JSON())
			}
		}
		// Allows stay, as they were written and in their order.
		left := fixed.documents[0].Get("Statement").Items
		for _, s := range l.documents[0].Get("Statement").Items {
			if at := slices.IndexFunc(left, func(now *tree.Node) bool { return same(now, s) }); !isDeny(s) && at < 0 {
				t.Fatalf("%s is gone", s.JSON())
			} else if !isDeny(s) {
				left = left[at+1:]
			}
		}
	})
}

// A Deny goes on to deny the role what the connection does not do.
func TestDeniesAreNarrowed(t *testing.T) {
	t.Parallel()
	u := use{{[]string{"s3:GetObject"}, []string{"arn:aws:s3:::b/in/*", "arn:aws:s3:::b"}, nil}}
	const mine = `,"Condition":{"ArnEquals":{"aws:PrincipalArn":"us"}}}`
	const getting = `"s3:GetA*","s3:GetB*","s3:GetD*","s3:GetE*","s3:GetI*","s3:GetJ*","s3:GetL*","s3:GetM*","s3:GetObjectA*","s3:GetObjectL*","s3:GetObjectR*","s3:GetObjectT*","s3:GetObjectV*","s3:GetR*","s3:GetS*"`
	const inexact = "no list of resources says it"
	for _, test := range []struct {
		kind policy.Kind
		deny string
		want []string
	}{
		{policy.SCPDocument, `"NotAction":"iam:*","Resource":"*"`, []string{`{"NotAction":["iam:*","s3:GetObject"],"Resource":"*"`, `{"NotAction":"iam:*","NotResource":["arn:aws:s3:::b/in/*","arn:aws:s3:::b"]`}},
		{policy.PermissionsDocument, `"Action":"s3:Get*","NotResource":"arn:aws:s3:::a/*"`, []string{`{"Action":[` + getting + `],"NotResource":"arn:aws:s3:::a/*"`, `{"Action":"s3:Get*","NotResource":["arn:aws:s3:::a/*","arn:aws:s3:::b/in/*","arn:aws:s3:::b"]`}},
		{policy.PermissionsDocument, `"Action":["s3:GetObject","s3:DeleteObject"],"Resource":"arn:aws:s3:::b/in/x/*"`, []string{`{"Action":["s3:DeleteObject"],"Resource":"arn:aws:s3:::b/in/x/*"`}},
		{policy.PermissionsDocument, `"Action":["s3:GetObject","s3:DeleteObject"],"Resource":["arn:aws:s3:::b/in/x","arn:aws:s3:::c/*"]`, []string{
			`{"Action":["s3:DeleteObject"],"Resource":["arn:aws:s3:::b/in/x","arn:aws:s3:::c/*"]`, `{"Action":["s3:GetObject","s3:DeleteObject"],"Resource":["arn:aws:s3:::c/*"]`,
		}},
		{policy.PermissionsDocument, `"Action":"s3:GetObject","Resource":"arn:aws:s3:::b/*"`, []string{inexact}},
		{policy.PermissionsDocument, `"Action":"s3:GetObject","Resource":"arn:aws:s3:::*"`, []string{inexact}},
		{policy.PermissionsDocument, `"Action":"s3:GetObject","Resource":"arn:aws:s3:::${aws:PrincipalTag/bucket}/*"`, []string{inexact}},
		{policy.PermissionsDocument, `"Action":"s?:GetObject","Resource":"*"`, []string{inexact}},
		{policy.BucketDocument, `"Action":"s3:*","Resource":["arn:aws:s3:::b","arn:aws:s3:::b/*"]`, []string{`{"NotAction":["s3:GetObject"],"Resource":["arn:aws:s3:::b","arn:aws:s3:::b/*"]`, `{"Action":"s3:*","NotResource":["arn:aws:s3:::b/in/*","arn:aws:s3:::b"]`}},
		{policy.BucketDocument, `"Action":"s3:Get*","Resource":"arn:aws:s3:::b/in/*"`, []string{`{"Action":["s3:GetObjectA*","s3:GetObjectL*","s3:GetObjectR*","s3:GetObjectT*","s3:GetObjectV*"],"Resource":"arn:aws:s3:::b/in/*"`}},
	} {
		var want, got []string
		for _, w := range test.want {
			if w != inexact {
				w += mine
			}
			want = append(want, w)
		}
		still, ok := u.stillDenied(test.kind, tree.MustParse([]byte("{"+test.deny+"}")), "us")
		if !ok {
			got = append(got, inexact)
		}
		for _, s := range still {
			got = append(got, string(s.JSON()))
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: %s", test.deny, diff)
		}
	}
}

func TestStandUnderWhatIsNotKnown(t *testing.T) {
	t.Parallel()
	in := []policy.Request{{
		Principal: "arn:aws:sts::111122223333:assumed-role/media/x", Action: "s3:GetObject", Resource: "arn:aws:s3:::b/in/a", Account: "444455556666",
		Context: map[string][]string{"aws:PrincipalArn": {us}},
	}}
	for statements, want := range map[string]Standing{
		`{"Effect":"Allow","Principal":"*","Action":"s3:*","Resource":"*"}`:                                                                            Allows,
		`{"Effect":"Allow","Principal":"*","Action":"s3:List*","Resource":"*"}`:                                                                        Refuses,
		`{"Effect":"Allow","Principal":"*","Action":"s3:*","Resource":"*","Condition":{"IpAddress":{"aws:SourceIp":"192.0.2.0/24"}}}`:                  Unsure,
		`{"Effect":"Allow","Principal":"*","Action":"s3:*","Resource":"*","Condition":{"NotIpAddress":{"aws:SourceIp":"192.0.2.0/24"}}}`:               Unsure,
		`{"Effect":"Allow","Principal":"*","Action":"s3:*","Resource":"*","Condition":{"ArnLike":{"aws:PrincipalArn":"arn:aws:iam::*:role/media"}}}`:   Allows,
		`{"Effect":"Allow","Principal":"*","Action":"s3:*","Resource":"*"},{"Effect":"Deny","Principal":"*","Action":"s3:*","Resource":"*"}`:           Refuses,
		`{"Effect":"Deny","Principal":"*","Action":"s3:*","Resource":"*","Condition":{"IpAddress":{"aws:SourceIp":"192.0.2.0/24"}}}`:                   Refuses,
		`{"Effect":"Allow","Principal":"*","Action":"s3:*","Resource":"*","Condition":{"StringEquals":{"aws:PrincipalOrgID":"o","aws:sourceip":"1"}}}`: Unsure,
	} {
		d := parsed(t, `{"Version":"2012-10-17","Statement":[`+statements+`]}`)
		l := layer{kind: policy.BucketDocument, account: "111122223333", documents: []*tree.Node{readDocument(d)}, known: knownKeys(in)}
		if got := l.standing(in); got != want {
			t.Errorf("%s: %d, want %d", statements, got, want)
		}
	}
}

func TestExcept(t *testing.T) {
	t.Parallel()
	for condition, want := range map[string]string{
		``: `{"ArnNotEquals":{"aws:PrincipalArn":"us"}}`,
		`{"Bool":{"aws:SecureTransport":"false"}}`:                                          `{"Bool":{"aws:SecureTransport":"false"},"ArnNotEquals":{"aws:PrincipalArn":"us"}}`,
		`{"ArnNotLike":{"aws:principalArn":"a"},"Null":{"b":"true"}}`:                       `{"ArnNotLike":{"aws:principalArn":["a","us"]},"Null":{"b":"true"}}`,
		`{"ArnNotEquals":{"aws:PrincipalArn":["a","b"],"c":"d"}}`:                           `{"ArnNotEquals":{"aws:PrincipalArn":["a","b","us"],"c":"d"}}`,
		`{"ArnNotEquals":{"aws:SourceArn":"a"}}`:                                            `{"ArnNotEquals":{"aws:SourceArn":"a","aws:PrincipalArn":"us"}}`,
		`{"ArnEquals":{"aws:PrincipalArn":"*"},"StringNotLike":{"aws:PrincipalArn":["a"]}}`: `{"ArnEquals":{"aws:PrincipalArn":"*"},"StringNotLike":{"aws:PrincipalArn":["a"]},"ArnNotEquals":{"aws:PrincipalArn":"us"}}`,
	} {
		s := tree.Object("Effect", "Deny")
		if condition != "" {
			s.Set("Condition", tree.MustParse([]byte(condition)))
		}
		if diff := cmp.Diff(want, string(exceptPrincipal(s, "us").Get("Condition").JSON())); diff != "" {
			t.Error(diff)
		}
	}
}

// Documents that would not fit are not made, and literals are not put where
// they would mean something else.
func TestCorrectionsFit(t *testing.T) {
	t.Parallel()
	in := []policy.Request{{Principal: "arn:aws:sts::111122223333:assumed-role/media/x", Action: "s3:GetObject", Resource: "arn:aws:s3:::b/a*", Account: "111122223333"}}
	grant := []*tree.Node{tree.MustParse([]byte(`{"Effect":"Allow","Action":"s3:GetObject","Resource":"arn:aws:s3:::b/a${*}"}`))}
	filler := `{"Effect":"Allow","Action":"logs:*","Resource":"arn:aws:logs:*:*:` + strings.Repeat("x", 5000) + `"}`
	for _, test := range []struct {
		version string
		fillers int
		want    bool
	}{{"2012-10-17", 1, true}, {"2012-10-17", 2, false}, {"2008-10-17", 1, false}} {
		d := parsed(t, fmt.Sprintf(`{"Version":%q,"Statement":[%s]}`, test.version, strings.TrimSuffix(strings.Repeat(filler+",", test.fillers), ",")))
		l := layer{kind: policy.PermissionsDocument, account: "111122223333", documents: []*tree.Node{readDocument(d)}, known: knownKeys(in)}
		if _, _, ok := l.correct(in, us, grant, strict); ok != test.want {
			t.Errorf("%s with %d: %t", test.version, test.fillers, ok)
		}
	}
}
