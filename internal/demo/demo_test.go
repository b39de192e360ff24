package demo

import (
	"errors"
	"strings"
	"testing"

	"github.com/aws/smithy-go"

	"github.com/rolecall/rolecall"
	"github.com/rolecall/rolecall/credential"
	"github.com/rolecall/rolecall/internal/config"
	"github.com/rolecall/rolecall/sandbox"
)

// Only a refusal counts as one: what is allowed, or fails otherwise, is a
// failed expectation.
func TestRefusal(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name string
		err  error
		held bool
	}{
		{"allowed", nil, false},
		{"refused by AWS", &smithy.GenericAPIError{Code: "AccessDenied", Message: "no"}, true},
		{"busy", &smithy.GenericAPIError{Code: "SlowDown"}, false},
		{"refused by rolecall", rolecall.Errors{{Code: rolecall.Forbidden, Message: "no"}}, true},
		{"not reachable", rolecall.Errors{{Code: rolecall.Unavailable}}, false},
		{"not refused only", rolecall.Errors{{Code: rolecall.Forbidden}, {Code: rolecall.Internal}}, false},
		{"cut", errors.New("cut"), false},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			var d demo
			d.refusal("a try", "S3", c.err)
			if d.story.Refusals[0].Refused != c.held || (d.story.Errors == nil) != c.held {
				t.Errorf("%+v, %v", d.story.Refusals[0], d.story.Errors)
			}
		})
	}
}

// The files are what a user could write, and no two secrets in them are the
// same.
func TestFiles(t *testing.T) {
	t.Parallel()
	w := newWorld(t.TempDir())
	w.URL = "http://127.0.0.1:1"
	for _, name := range []string{"sandbox.yaml", "rolecall.yaml", "job.json"} {
		if err := w.write(name); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.writeKeys(); err != nil {
		t.Fatal(err)
	}
	if _, err := sandbox.LoadConfig(w.path("sandbox.yaml")); err != nil {
		t.Error(err)
	}
	cfg, err := config.Load(w.path("rolecall.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	if id := cfg.Organizations["acme"].ExternalID.Value; id != w.AcmeID || strings.EqualFold(id, w.GlobexID) {
		t.Errorf("acme's external id is %q", id)
	}
}

// A demo that did not see the probes cannot show that the roles were proved,
// and fails instead.
func TestUnseenProbesFailTheDemo(t *testing.T) {
	t.Parallel()
	story, err := Run(t.Context(), Options{onEvent: func(credential.Event) {}})
	if err == nil || len(story.Errors) == 0 {
		t.Fatal("the demo tells what it has not seen")
	}
	if story.Job.Status != rolecall.Completed || story.Digests.Matching != stillCount+1 {
		t.Errorf("the job itself went wrong: %+v", story.Job)
	}
	if !strings.Contains(err.Error(), "was not proved and assumed") {
		t.Errorf("another error: %v", err)
	}
}
