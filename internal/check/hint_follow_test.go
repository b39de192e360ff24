package check_test

import (
	"cmp"
	"encoding/json"
	"flag"
	"maps"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/rolecall/rolecall"
	"github.com/rolecall/rolecall/internal/hinttest"
	"github.com/rolecall/rolecall/policy"
	"github.com/rolecall/rolecall/policy/correct"
	"github.com/rolecall/rolecall/sandbox"
)

// advice is a hint, what is wrong where a check gives it, and what those do who
// read it.
type advice struct {
	Hint       string         `json:"hint"` // a part of it
	In         string         `json:"in"`
	Connection string         `json:"connection"` // delivery, when empty
	Set        map[string]any `json:"set"`
	Deep       bool           `json:"deep"`
	Remote     bool           `json:"remote"`
	Claimed    string         `json:"claimed"`
	Give       []policy.Kind  `json:"give"`  // documents that the check is given
	Again      bool           `json:"again"` // as is the one after it
	Stale      bool           `json:"stale"` // these are not those in force

	Follow  []map[string]any `json:"follow"` // each is one way
	Patch   string           `json:"patch"`  // first or last: it is declared, and its commands are run
	Gives   []policy.Kind    `json:"gives"`
	Removes bool             `json:"removes"` // by the command in the hint
}

// changeless are the hints that name no change of what is declared, or one that a
// package below this one tests.
var changeless = []string{
	"You: check again. Operator: if it stays so, look at the worker's network", // TestSlowStep
	"Customer: say whether that was meant; what still worked with the old one has been stopped",
}

// TestHintsAreFollowed does what each hint says, in each way that it names: then what
// it was about is gone.
func TestHintsAreFollowed(t *testing.T) {
	t.Parallel()
	var all []advice
	loadYAML(t, "testdata/hints.yaml", &all)
	whole := loadWorlds(t)
	var mu sync.Mutex
	var done []string
	t.Run("all", func(t *testing.T) {
		for _, a := range all {
			t.Run(a.Hint, func(t *testing.T) {
				t.Parallel()
				hints := a.follow(t, whole[a.In].of(cmp.Or(a.Connection, "delivery")))
				mu.Lock()
				defer mu.Unlock()
				done = append(done, hints...)
			})
		}
	})
	if strings.Contains(flag.Lookup("test.run").Value.String(), "/") { // some of them
		return
	}
	done = append(done, dispenserHints(t)...)
	done = append(done, settingHints(t)...)
	hinttest.Followed(t, ".", done, changeless)
}

// follow breaks the set-up and does what the check says.
func (a advice) follow(t *testing.T, whole *world) []string {
	t.Helper()
	broken := whole.changed(t, a.Set)
	broken.remote = a.Remote
	given := broken
	if a.Stale {
		given = whole
	}
	state := t.TempDir()
	if a.Claimed != "" {
		broken.claim(t, a.Claimed, state)
	}
	aws := broken.start(t)
	broken.placed(t, aws)
	report := broken.check(t, aws, state, a.Deep, given.documents(t, a.Give)...)
	i := slices.IndexFunc(report.Steps, func(s rolecall.CheckStep) bool { return strings.Contains(s.Hint, a.Hint) })
	if i < 0 {
		t.Fatalf("no error says so:\n%s", faulty(report))
	}
	said := report.Steps[i]
	over := func(how any, report rolecall.CheckReport) {
		if s := find(report, said.Step); !works(report) || s.Result != rolecall.CheckPass {
			t.Errorf("%v, by %q, leaves:\n%s", how, said.Hint, faulty(report))
		}
	}
	var again []policy.Kind
	if a.Again {
		again = a.Give
	}
	for _, change := range a.Follow {
		followed := broken.changed(t, change)
		aws := followed.start(t)
		followed.placed(t, aws)
		over(change, followed.check(t, aws, state, a.Deep, followed.documents(t, again)...))
	}
	if a.Patch != "" {
		p := said.Patch
		if a.Patch == "last" {
			p = &said.Patches[len(said.Patches)-1]
		}
		followed := broken.copy()
		followed.set(t, "connection", jsonOf(p.Connection))
		aws := followed.start(t)
		if !followed.execute(t, *p, aws.URL) {
			t.Errorf("the commands fail: %s", p.Commands)
		}
		over(p.Document, followed.check(t, aws, state, a.Deep))
	}
	if a.Gives != nil {
		report := broken.check(t, aws, state, a.Deep, broken.documents(t, a.Gives)...)
		if s := find(report, said.Step); strings.Contains(s.Hint, a.Hint) || s.Patch == nil || s.Patch.Corrects == "" {
			t.Errorf("by %q: %s\n%+v", said.Hint, faulty(report), s.Patch)
		}
	}
	if a.Removes {
		command := regexp.MustCompile(`aws s3api .*?(, or |\. You|$)`).FindString(said.Hint)
		command = regexp.MustCompile(`(, or |\. You)$`).ReplaceAllString(command, "")
		if !broken.execute(t, rolecall.Patch{Commands: []string{command}}, aws.URL) {
			t.Errorf("%s fails", command)
		}
		if left := aws.Uploads("acme-" + broken.connection); len(left) > 0 {
			t.Errorf("by %q uploads are left: %v", said.Hint, left)
		}
	}
	var out []string
	for _, s := range report.Steps {
		out = append(out, s.Hint)
	}
	return out
}

// dispenserHints does what the hints about dispensers say.
func dispenserHints(t *testing.T) []string {
	t.Helper()
	var done []string
	for _, c := range []struct{ wrong, followed vending }{
		{vending{theirs, 10 * time.Minute}, vending{theirs, 15 * time.Minute}},
		{vending{always(http.StatusOK), time.Hour}, vending{theirs, time.Hour}},
	} {
		for _, s := range checkDispenser(t, c.wrong.server(t)).Steps {
			done = append(done, s.Hint)
		}
		if report := checkDispenser(t, c.followed.server(t)); report.Result != rolecall.CheckPass {
			t.Errorf("by %q:\n%s", done, faulty(report))
		}
	}
	return done
}

// settingHints does what hints say that concern more than documents.
func settingHints(t *testing.T) []string {
	t.Helper()
	var done []string
	for _, c := range []struct {
		step            string
		wrong, followed func(s *setting)
	}{
		{rolecall.StepARN, func(s *setting) { s.externalID = "" }, func(s *setting) { s.externalID = "acme-42" }},
		{rolecall.StepList, func(s *setting) {
			s.bucket.Policy = with(t, s.bucket.Policy, denyAll(`{"Bool":{"aws:SecureTransport":"false"}}`))
			s.policies = []correct.Given{{Kind: policy.BucketDocument, File: "bucket.json", Document: s.bucket.Policy}}
		}, func(s *setting) { s.secure = true }},
		{rolecall.StepRead, func(s *setting) { theirObject(t, s) }, func(s *setting) {
			write := s.prepare
			s.prepare = func(client *s3.Client, clock *atomic.Int64) {
				write(client, clock)
				if _, err := client.PutBucketOwnershipControls(t.Context(), &s3.PutBucketOwnershipControlsInput{
					Bucket: aws.String("acme-delivery"), OwnershipControls: &types.OwnershipControls{Rules: []types.OwnershipControlsRule{{ObjectOwnership: types.ObjectOwnershipBucketOwnerEnforced}}},
				}); err != nil {
					t.Error(err)
				}
			}
		}},
	} {
		s := newSetting(t, roleAccount, "")
		c.wrong(s)
		report, _ := s.check(t)
		hint := step(report, c.step).Hint
		done = append(done, hint)
		c.followed(s)
		if report, _ := s.check(t); report.Result != rolecall.CheckPass || hint == "" {
			t.Errorf("by %q:\n%s", hint, faulty(report))
		}
	}
	return done
}

// theirObject has another account write the only object, and own it.
func theirObject(t *testing.T, s *setting) {
	t.Helper()
	s.config.Accounts[otherAccount].Users = map[string]*sandbox.User{"writer": {
		AccessKeyID: "AKIAWRITER", SecretAccessKey: "writer-secret", Policies: []*policy.Document{doc(t, `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"*","Resource":"*"}}`)},
	}}
	s.connection.Encryption, s.bucket.Encryption, s.objects = nil, sandbox.Encryption{}, nil
	s.bucket.Ownership = "ObjectWriter"
	s.bucket.Policy = with(t, s.bucket.Policy, `{"Effect":"Allow","Principal":{"AWS":"`+otherAccount+`"},"Action":"s3:PutObject","Resource":"arn:aws:s3:::acme-delivery/*"}`)
	s.prepare = func(client *s3.Client, _ *atomic.Int64) {
		options := client.Options()
		options.Credentials = credentials.NewStaticCredentialsProvider("AKIAWRITER", "writer-secret", "")
		if _, err := s3.New(options).PutObject(t.Context(), &s3.PutObjectInput{Bucket: aws.String("acme-delivery"), Key: aws.String("out/theirs"), Body: strings.NewReader("bytes")}); err != nil {
			t.Error(err)
		}
	}
}

// changed is a copy with the changes. A text that begins with @ is what the set-up
// has at that place.
func (w *world) changed(t *testing.T, set map[string]any) *world {
	t.Helper()
	out := w.copy()
	var there func(v any) any
	there = func(v any) any {
		switch v := v.(type) {
		case string:
			if place, is := strings.CutPrefix(v, "@"); is {
				return jsonOf(w.at(t, place))
			}
		case map[string]any:
			for name := range v {
				v[name] = there(v[name])
			}
		}
		return v
	}
	for _, place := range slices.Sorted(maps.Keys(set)) {
		out.set(t, out.expand(place).(string), there(jsonOf(set[place])))
	}
	return out
}

// placed puts the URL of the sandbox where the set-up says {aws}, and that of a
// server in front of it that says nothing of encryption where it says {plain}.
func (w *world) placed(t *testing.T, aws *sandbox.Server) {
	t.Helper()
	data, err := json.Marshal(w.tree)
	if err != nil {
		t.Fatal(err)
	}
	text := strings.ReplaceAll(string(data), "{aws}", aws.URL)
	if strings.Contains(text, "{plain}") {
		front := httptest.NewServer(http.HandlerFunc(func(out http.ResponseWriter, r *http.Request) { aws.ServeHTTP(silent{out}, r) }))
		t.Cleanup(front.Close)
		text = strings.ReplaceAll(text, "{plain}", front.URL)
	}
	if err := json.Unmarshal([]byte(text), &w.tree); err != nil {
		t.Fatal(err)
	}
}

// silent says nothing of encryption.
type silent struct{ http.ResponseWriter }

func (s silent) WriteHeader(status int) {
	s.Header().Del("X-Amz-Server-Side-Encryption")
	s.ResponseWriter.WriteHeader(status)
}
