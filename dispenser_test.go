package rolecall

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rolecall/rolecall/internal/strict"
)

func TestDispenserURL(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct{ url, normal, fault string }{
		{url: "https://vend.example.com/", normal: "https://vend.example.com/"},
		{url: "https://vend.example.com", normal: "https://vend.example.com/"},
		{url: "HTTPS://Vend.Example.COM:443/Keys", normal: "https://vend.example.com/Keys"},
		{url: "https://vend.example.com/a/b-c.d_e~f/", normal: "https://vend.example.com/a/b-c.d_e~f/"},
		{url: "https://x.execute-api.eu-central-1.amazonaws.com/prod/vend", normal: "https://x.execute-api.eu-central-1.amazonaws.com/prod/vend"},
		{url: "https://[2600:1F00::1]/", normal: "https://[2600:1f00::1]/"},
		{url: "", fault: "missing"},
		{url: "http://vend.example.com/", fault: "https URL"},
		{url: "vend.example.com", fault: "https URL"},
		{url: "https:vend.example.com", fault: "https URL"},
		{url: "https://vend.example.com:8443/", fault: "443 only"},
		{url: "https://vend.example.com:/", fault: "443 only"},
		{url: "https://vend.example.com:80:443/", fault: "https URL"},
		{url: "https:///path", fault: "host name"},
		{url: "https://:443/path", fault: "host name"},
		{url: "https://vend.example.com./", fault: "host name"},
		{url: "https://vénd.example.com/", fault: "host name"},
		{url: "https://vend.example.com%2f.evil.example/", fault: "https URL"},
		{url: "https://" + strings.Repeat("a.", 127) + "example/", fault: "host name"},
		{url: "https://user:planted@vend.example.com/", fault: "literal credential"},
		{url: "https://planted@vend.example.com/", fault: "literal credential"},
		{url: "https://vend.example.com/?token=planted", fault: "query"},
		{url: "https://vend.example.com/?", fault: "query"},
		{url: "https://vend.example.com/#planted", fault: "fragment"},
		{url: "https://vend.example.com/#", fault: "fragment"},
		{url: "https://vend.example.com/a/../b", fault: "differently"},
		{url: "https://vend.example.com/./b", fault: "differently"},
		{url: "https://vend.example.com//b", fault: "differently"},
		{url: "https://vend.example.com/%62", fault: "differently"},
		{url: "https://vend.example.com/a b", fault: "differently"},
		{url: "https://vend.example.com/a\\b", fault: "differently"},
		{url: "https://vend.example.com/\r\nX: planted", fault: "https URL"},
		{url: "https://vend.example.com/" + strings.Repeat("a", MaxDispenserURL), fault: "2048"},
	} {
		s := HTTPCredentialSource{URL: tc.url}
		err := s.Validate()
		switch {
		case tc.fault == "" && (err != nil || s.Normal().URL != tc.normal):
			t.Errorf("%q: %v, %q; want %q", tc.url, err, s.Normal().URL, tc.normal)
		case tc.fault != "" && (err == nil || !strings.Contains(err.Error(), tc.fault) || s.Normal() != s || s.Host() != ""):
			t.Errorf("%q: %v; want %q", tc.url, err, tc.fault)
		case err != nil && strings.Contains(err.Error()+List(err)[0].Hint, "planted"):
			t.Errorf("the fault shows the URL: %v", err)
		}
	}
}

// The normal form of a valid URL has the same meaning.
func FuzzDispenserURL(f *testing.F) {
	for _, s := range []string{"https://vend.example.com/a", "https://X:443", "https://[::1]:443/", "https://a@b/", "https://a/../?#"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		source := HTTPCredentialSource{URL: s}
		if source.Validate() != nil {
			return
		}
		normal := source.Normal()
		if normal.Validate() != nil || normal.Normal() != normal || normal.Host() != source.Host() || normal.Host() == "" {
			t.Errorf("%q became %q", s, normal.URL)
		}
		if rest, ok := strings.CutPrefix(normal.URL, "https://"); !ok || strings.ContainsAny(rest, "@?#%\\ \r\n\t") && !strings.Contains(rest, "/") {
			t.Errorf("%q became %q", s, normal.URL)
		}
	})
}

func TestDispenserForms(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]HTTPCredentialSource{
		`"https://x.example/"`:                            {URL: "https://x.example/"},
		`{"url": "https://x.example/"}`:                   {URL: "https://x.example/"},
		`{"url": "https://x.example/", "secret": "keys"}`: {URL: "https://x.example/", Secret: "keys"},
	} {
		var got struct {
			Source *HTTPCredentialSource `json:"source"`
		}
		var faults Errors
		if strict.Decode([]byte(`{"source": `+text+`}`), &got, &faults); len(faults) > 0 || got.Source == nil || *got.Source != want {
			t.Errorf("%s: %+v, %v", text, got.Source, faults)
		}
	}
}

// With the principal that signs, dispensers need no secret.
func TestPlanOfDispensers(t *testing.T) {
	t.Parallel()
	v := vendor(t)
	v.Principals[DispenserPrincipal] = Principal{Name: DispenserPrincipal, ARN: arn(t, "arn:aws:iam::873682911326:role/Dispenser")}
	plan, err := ReadPlan([]byte(`{"role_session_duration_seconds": 900, "tasks": [
		{"tool": "storage:get", "parameters": {"location": "s3://bucket/x", "http_credential_source": "https://X.example", "bucket_owner": "222233334444"}},
		{"tool": "storage:put", "parameters": {"connection": "vended", "path": "x"}},
		{"tool": "storage:get", "parameters": {"connection": "signed", "path": "x"}}]}`), acme(), v, "")
	if err != nil {
		t.Fatal(err)
	}
	type ends struct {
		AuthorizedAt, ExternalID, Owner string
		Dispenser                       HTTPCredentialSource
	}
	var got []ends
	for _, s := range plan.Steps {
		if s.Place.RoleARN+s.Place.Secret.Name != "" {
			t.Errorf("authorized in two ways: %+v", s.Place)
		}
		got = append(got, ends{s.Place.AuthorizedAt, s.Place.ExternalID, s.Place.BucketOwner, *s.Place.Dispenser})
	}
	want := []ends{
		{"/tasks/0/parameters/http_credential_source", "x-42", "222233334444", HTTPCredentialSource{URL: "https://x.example/"}},
		{"/tasks/1/parameters/connection", "x-42", "", HTTPCredentialSource{URL: "https://vend.example.com/", Secret: "token"}},
		{"/tasks/2/parameters/connection", "y-43", "", HTTPCredentialSource{URL: "https://vend.example.com/"}},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestPrincipalOfDispensersRunsNoJob(t *testing.T) {
	t.Parallel()
	own := Principal{Name: DispenserPrincipal, Default: true, Regions: []string{"eu-west-1"}}
	for _, name := range []string{"", DispenserPrincipal} {
		v := Vendor{Principals: map[string]Principal{DispenserPrincipal: own}}
		if p, err := v.PrincipalFor(name, "eu-west-1"); err == nil {
			t.Errorf("%q: %+v", name, p)
		}
		v.Principals["worker"] = Principal{Name: "worker"}
		if p, err := v.PrincipalFor(name, "eu-west-1"); name == "" && p.Name != "worker" || name != "" && err == nil {
			t.Errorf("%q: %+v, %v", name, p, err)
		}
	}
}

func TestConnectionsWay(t *testing.T) {
	t.Parallel()
	source := `"http_credential_source": "https://x.example/"`
	for text, want := range map[string]string{
		source:                                 "",
		``:                                     "needs a way",
		source + `, "secret": "s"`:             "/http_credential_source: secret and http_credential_source",
		source + `, "role_arn": "r"`:           "/http_credential_source: role_arn and http_credential_source",
		`"role_arn": "r", "secret": "s"`:       "/secret: role_arn and secret",
		`"http_credential_source": "http://x"`: "/http_credential_source: a dispenser's URL is an https URL",
		source + `, "external_id": {"mode": "custom", "value": "ab"}`: "",
		source + `, "role_session_duration_seconds": 900`:             "/role_session_duration_seconds: a dispenser decides",
	} {
		var c Connection
		document := `{"purpose": "source", "bucket": "bucket"`
		if text != "" {
			document += ", " + text
		}
		if err := json.Unmarshal([]byte(document+"}"), &c); err != nil {
			t.Fatal(err)
		}
		err := c.Validate()
		if (want == "") != (err == nil) || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v; want %q", text, err, want)
		}
	}
}
