package policy_test

import (
	"bytes"
	"encoding/json"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rolecall/rolecall"
	"github.com/rolecall/rolecall/policy"
)

func TestParseFaults(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		text string
		want []string // pointers of the faults, in order
	}{
		"not JSON":         {`{"Version":`, []string{""}},
		"no object":        {`[]`, []string{""}},
		"empty":            {`{}`, []string{"/Statement"}},
		"not UTF-8":        {"{\"Id\":\"\xff\"}", []string{""}},
		"version":          {`{"Version":"2012-10-18","Statement":[]}`, []string{"/Version"}},
		"null version":     {`{"Version":null,"Statement":[]}`, []string{"/Version"}},
		"unknown member":   {`{"Statment":[],"Statement":[]}`, []string{"/Statment"}},
		"statement type":   {`{"Statement":"x"}`, []string{"/Statement"}},
		"empty statement":  {`{"Statement":[{}]}`, []string{"/Statement/0/Effect", "/Statement/0/Action"}},
		"single statement": {`{"Statement":{"Effect":"allow","Action":"s3:*"}}`, []string{"/Statement/Effect"}},
		"empty effect":     {`{"Statement":{"Effect":"","Action":"s3:*"}}`, []string{"/Statement/Effect"}},
		"all at once": {
			`{"Statement":[{"Effect":1,"Action":{},"Resource":"x"},{"Effect":"Deny","Action":["s3"],"Resource":["*","x"]}]}`,
			[]string{"/Statement/0/Effect", "/Statement/0/Action", "/Statement/0/Resource", "/Statement/1/Action/0", "/Statement/1/Resource/1"},
		},
		"both": {
			`{"Statement":{"Effect":"Deny","Principal":"*","NotPrincipal":"*","Action":"*","NotAction":"*","Resource":"*","NotResource":"*"}}`,
			[]string{"/Statement/NotPrincipal", "/Statement/NotAction", "/Statement/NotResource"},
		},
		"repeated": {`{"Statement":{"Effect":"Deny","Effect":"Deny","Action":"*"}}`, []string{"/Statement/Effect"}},
		"principals": {
			`{"Statement":{"Effect":"Deny","Action":"*","Principal":{"AWS":["arn:aws:iam::1*:root","x","111122223333"],"Servce":"x","Service":"*.amazonaws.com"}}}`,
			[]string{"/Statement/Principal/AWS/0", "/Statement/Principal/AWS/1", "/Statement/Principal/Servce", "/Statement/Principal/Service"},
		},
		"principal type": {`{"Statement":{"Effect":"Deny","Action":"*","Principal":"111122223333"}}`, []string{"/Statement/Principal"}},
		"operators": {
			`{"Statement":{"Effect":"Deny","Action":"*","Condition":{"StringEqual":{"a":"b"},"NullIfExists":{"a":"true"},"ForSome:Bool":{"a":"true"}}}}`,
			[]string{"/Statement/Condition/StringEqual", "/Statement/Condition/NullIfExists", "/Statement/Condition/ForSome:Bool"},
		},
		"condition values": {
			`{"Statement":{"Effect":"Deny","Action":"*","Condition":{"StringEquals":{"a":[null,{}],"b":"x","c":null}}}}`,
			[]string{"/Statement/Condition/StringEquals/a/0", "/Statement/Condition/StringEquals/a/1", "/Statement/Condition/StringEquals/c"},
		},
		"wildcard in the service": {`{"Statement":{"Effect":"Deny","Action":"s*:GetObject"}}`, []string{"/Statement/Action"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d, err := policy.Parse([]byte(c.text))
			if d != nil || err == nil {
				t.Fatalf("parsed %s", c.text)
			}
			var got []string
			for _, e := range rolecall.List(err) {
				if e.Code != rolecall.Invalid || e.Message == "" {
					t.Errorf("fault %+v", e)
				}
				got = append(got, e.Pointer)
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("pointers (-want +got):\n%s\n%v", diff, err)
			}
		})
	}
}

func TestParseHints(t *testing.T) {
	t.Parallel()
	for operator, want := range map[string]string{
		"stringequals":                   `You: write "StringEquals", if that is meant`,
		"ForAnyValue:StringLikesIfExist": `You: write "ForAnyValue:StringLikeIfExists", if that is meant`,
		"ArnLikesIfExists":               `You: write "ArnLikeIfExists", if that is meant`,
		"NullIfExists":                   "You: write Null without IfExists",
		"ForAll:StringLike":              "You: write ForAllValues or ForAnyValue before the colon",
	} {
		_, err := policy.Parse([]byte(`{"Statement":{"Effect":"Deny","Action":"*","Condition":{"` + operator + `":{"a":"b"}}}}`))
		if got := rolecall.List(err)[0].Hint; got != want {
			t.Errorf("%s: hint %q, want %q", operator, got, want)
		}
	}
}

func TestParseLimits(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{
		"repeats": `{"Statement":{"Effect":"Deny","Action":"*","Condition":{"StringLike":{` + manyKeys(40) + `,"k7":"x"}}}}`,
		"members": `{"Statement":{"Effect":"Deny","Action":"*","Condition":{"StringLike":{` + manyKeys(10_001) + `}}}}`,
		"size":    `{"Id":"` + strings.Repeat("x", 1<<20) + `","Statement":[]}`,
		"list":    `{"Statement":{"Effect":"Deny","Action":[` + strings.Repeat(`"*",`, 10_000) + `"*"]}}`,
		"string":  `{"Statement":{"Effect":"Deny","Action":"*","Resource":"arn:` + strings.Repeat("*a", 5000) + `"}}`,
		"value":   `{"Statement":{"Effect":"Deny","Action":"*","Condition":{"StringLike":{"a":"` + strings.Repeat("*a", 5000) + `"}}}}`,
		"depth":   `{"Statement":` + strings.Repeat("[", 100) + strings.Repeat("]", 100) + `}`,
	} {
		if _, err := policy.Parse([]byte(text)); err == nil {
			t.Errorf("%s: parsed", name)
		}
	}
}

func manyKeys(n int) string {
	keys := make([]string, n)
	for i := range keys {
		keys[i] = `"k` + strconv.Itoa(i) + `":"v"`
	}
	return strings.Join(keys, ",")
}

// Every element and form that AWS's grammar has.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_grammar.html
const everything = `{
  "Version": "2012-10-17",
  "Id": "all",
  "Statement": [
    {"Sid": "a", "Effect": "Allow", "Principal": "*", "Action": "*", "Resource": "*"},
    {"Resource": ["arn:aws:s3:::b", "arn:aws:s3:::b/*"], "Action": ["s3:Get*", "s3:PutObject"], "Effect": "Deny",
     "Principal": {"AWS": ["111122223333", "arn:aws:iam::111122223333:role/a/b", "AROAEXAMPLEID1234567", "*"], "Service": "ec2.amazonaws.com",
       "Federated": "cognito-identity.amazonaws.com", "CanonicalUser": "79a59df900b949e55d96a1e698fbacedfd6e09d98eacf8f8d5218e7cd47ef2be"},
     "Condition": {"NumericEquals": {"s3:max-keys": [1.50, 1e3]}, "Bool": {"aws:SecureTransport": true},
       "ForAllValues:StringLikeIfExists": {"aws:TagKeys": ["a", "\u00e9<&>"]}}},
    {"Effect": "Deny", "NotPrincipal": {"AWS": "111122223333"}, "NotAction": "*:*", "NotResource": ["*"]}
  ]
}`

func TestRoundTrip(t *testing.T) {
	t.Parallel()
	d := mustParse(t, everything)
	if got := string(d.JSON()); got != everything {
		t.Errorf("got %s", got)
	}
	var held struct {
		P *policy.Document
		N *policy.Document `json:",omitempty"`
	}
	if err := json.Unmarshal([]byte(`{"P":`+everything+`}`), &held); err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(held)
	if err != nil {
		t.Fatal(err)
	}
	var want bytes.Buffer
	if err := json.Compact(&want, []byte(everything)); err != nil {
		t.Fatal(err)
	}
	var got bytes.Buffer
	json.HTMLEscape(&got, want.Bytes())
	if string(text) != `{"P":`+got.String()+`}` {
		t.Errorf("got %s", text)
	}
}

func TestJSONIsACopy(t *testing.T) {
	t.Parallel()
	source := []byte(`{"Statement":[]}`)
	d, err := policy.Parse(source)
	if err != nil {
		t.Fatal(err)
	}
	source[0], d.JSON()[0] = 'x', 'x'
	if got := string(d.JSON()); got != `{"Statement":[]}` {
		t.Errorf("the document changed: %s", got)
	}
}

func TestFit(t *testing.T) {
	t.Parallel()
	named := mustParse(t, `{"Version":"2012-10-17","Statement":{"Effect":"Deny","Principal":"*","Action":"s3:*","Resource":"*"}}`)
	trust := mustParse(t, `{"Statement":[{"Effect":"Deny","Principal":"*","Action":"*"}]}`)
	plain := mustParse(t, `{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Action":"*","Resource":"*"}]}`)
	for _, c := range []struct {
		d     *policy.Document
		layer policy.Layer
		want  string
	}{
		{named, policy.ResourcePolicy, ""},
		{named, policy.RCP, ""},
		{named, policy.Identity, "/Statement/Principal"},
		{trust, policy.ResourcePolicy, ""},
		{trust, policy.RCP, "/Statement/0"},
		{trust, policy.SessionPolicy, "/Statement/0/Principal"},
		{plain, policy.Identity, ""},
		{plain, policy.SessionPolicy, ""},
		{plain, policy.SCP, ""},
		{plain, policy.ResourcePolicy, "/Statement/0"},
		{mustParse(t, `{"Version":"2008-10-17","Statement":[{"Effect":"Deny","Action":"*","Resource":"*"}]}`), policy.SCP, "/Version"},
	} {
		err := c.d.Fit(c.layer)
		if c.want == "" && err != nil || c.want != "" && (err == nil || rolecall.List(err)[0].Pointer != c.want) {
			t.Errorf("%s as %s: %v, want a fault at %q", c.d.JSON(), c.layer, err, c.want)
		}
	}
}
