package client

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"github.com/rolecall/rolecall"
	"github.com/rolecall/rolecall/internal/api/apitest"
)

// everything is a connection with all that can be declared of one.
var everything = rolecall.Connection{
	Purpose: rolecall.Source, Bucket: "b", Prefix: "p/", Region: "r", RoleARN: "a", Secret: "s", HTTPCredentialSource: &rolecall.HTTPCredentialSource{URL: "u", Secret: "s"},
	RoleSessionDurationSeconds: 3600, ExternalID: &rolecall.ExternalID{Mode: rolecall.ExternalIDCustom, Value: "v"}, BucketOwner: "o", Encryption: &rolecall.Encryption{Type: "aws:kms", Key: "k"},
	StorageClass: "c", ACL: "a", S3EndpointURL: "u", RequesterPays: true, ProbeKey: "k",
}

// calls are how each operation of the OpenAPI document is called, with all that
// it takes.
var calls = map[string]func(context.Context, *Client) (any, error){
	"getVersion": func(ctx context.Context, c *Client) (any, error) {
		version, err := c.Version(ctx)
		return map[string]string{"version": version}, err
	},
	"getDocument":  func(ctx context.Context, c *Client) (any, error) { _, err := c.Document(ctx); return nil, err },
	"getHealth":    func(ctx context.Context, c *Client) (any, error) { return nil, c.Health(ctx) },
	"getReadiness": func(ctx context.Context, c *Client) (any, error) { return nil, c.Ready(ctx) },

	"listOrganizations": func(ctx context.Context, c *Client) (any, error) { return c.Organizations(ctx, Page{1, "n"}) },
	"createOrganization": func(ctx context.Context, c *Client) (any, error) {
		return c.CreateOrganization(ctx, NewOrganization{APIName: "o", Name: "n", ExternalID: everything.ExternalID, Jobs: "any", Limits: &Limits{1, 2}})
	},
	"getOrganization": func(ctx context.Context, c *Client) (any, error) { return c.Organization(ctx, "o") },
	"patchOrganization": func(ctx context.Context, c *Client) (any, error) {
		name, jobs, paused := "n", "any", true
		return c.UpdateOrganization(ctx, "o", ChangedOrganization{Name: &name, Jobs: &jobs, Limits: &Limits{1, 2}, Paused: &paused}, 7)
	},
	"deleteOrganization": func(ctx context.Context, c *Client) (any, error) { return c.DeleteOrganization(ctx, "o", 7) },
	"rotateExternalID":   func(ctx context.Context, c *Client) (any, error) { return c.RotateExternalID(ctx, "o") },
	"listConnections":    func(ctx context.Context, c *Client) (any, error) { return c.Connections(ctx, "o", Page{1, "n"}) },
	"getConnection":      func(ctx context.Context, c *Client) (any, error) { return c.Connection(ctx, "o", "c") },
	"putConnection": func(ctx context.Context, c *Client) (any, error) {
		return c.PutConnection(ctx, "o", "c", everything, 7)
	},
	"deleteConnection":  func(ctx context.Context, c *Client) (any, error) { return nil, c.DeleteConnection(ctx, "o", "c", 7) },
	"releaseConnection": func(ctx context.Context, c *Client) (any, error) { return nil, c.ReleaseConnection(ctx, "o", "c") },
	"getPolicies": func(ctx context.Context, c *Client) (any, error) {
		text, err := c.Policies(ctx, "o", "c", PoliciesRequest{Format: "json", RoleARN: "a"})
		return json.RawMessage(text), err
	},
	"getCredentials": func(ctx context.Context, c *Client) (any, error) {
		text, err := c.Credentials(ctx, "o", "c", CredentialsRequest{Form: "process", Access: "write", Prefix: "p/"})
		return json.RawMessage(text), err
	},
	"listChecks": func(ctx context.Context, c *Client) (any, error) { return c.Checks(ctx, "o", "c", Page{1, "n"}) },
	"getCheck":   func(ctx context.Context, c *Client) (any, error) { return c.Check(ctx, "o", "c", "i") },
	"startCheck": func(ctx context.Context, c *Client) (any, error) {
		n := NewCheck{Deep: true, Wait: "2m", Policies: map[string][]json.RawMessage{}}
		for _, kind := range []string{"trust", "permissions", "boundary", "bucket", "key", "worker", "scp", "rcp"} {
			n.Policies[kind] = []json.RawMessage{json.RawMessage("{}")}
		}
		return c.StartCheck(ctx, "o", "c", n)
	},
	"watchCheck": func(ctx context.Context, c *Client) (any, error) {
		return c.WatchCheck(ctx, "o", "c", "i", func(rolecall.CheckStep) {})
	},
	"getSetupLink":   func(ctx context.Context, c *Client) (any, error) { return c.SetupLink(ctx) },
	"listSetupLinks": func(ctx context.Context, c *Client) (any, error) { return c.SetupLinks(ctx, "o", "c", Page{1, "n"}) },
	"createSetupLink": func(ctx context.Context, c *Client) (any, error) {
		return c.CreateSetupLink(ctx, "o", "c", NewSetupLink{Account: "a", Expires: "14d"})
	},
	"deleteSetupLink": func(ctx context.Context, c *Client) (any, error) { return nil, c.RevokeSetupLink(ctx, "o", "c", "i") },
	"listTokens":      func(ctx context.Context, c *Client) (any, error) { return c.Tokens(ctx, "o", Page{1, "n"}) },
	"createToken": func(ctx context.Context, c *Client) (any, error) {
		return c.CreateToken(ctx, "o", NewToken{Name: "n", Role: "credentials", Connection: "c", Access: "read", Expires: "90d"})
	},
	"deleteToken":        func(ctx context.Context, c *Client) (any, error) { return nil, c.RevokeToken(ctx, "o", "i") },
	"listOperatorTokens": func(ctx context.Context, c *Client) (any, error) { return c.OperatorTokens(ctx, Page{1, "n"}) },
	"createOperatorToken": func(ctx context.Context, c *Client) (any, error) {
		return c.CreateOperatorToken(ctx, NewOperatorToken{"n", "90d"})
	},
	"deleteOperatorToken": func(ctx context.Context, c *Client) (any, error) { return nil, c.RevokeOperatorToken(ctx, "i") },
	"listSecrets":         func(ctx context.Context, c *Client) (any, error) { return c.Secrets(ctx, "o", Page{1, "n"}) },
	"putSecret": func(ctx context.Context, c *Client) (any, error) {
		return c.PutSecret(ctx, "o", "s", NewSecret{rolecall.SecretAWSAccessKey, "a", "s", "b", "v", "h"})
	},
	"deleteSecret":  func(ctx context.Context, c *Client) (any, error) { return nil, c.DeleteSecret(ctx, "o", "s") },
	"listMembers":   func(ctx context.Context, c *Client) (any, error) { return c.Members(ctx, "o", Page{1, "n"}) },
	"inviteMember":  func(ctx context.Context, c *Client) (any, error) { return c.InviteMember(ctx, "o", "admin") },
	"deleteMember":  func(ctx context.Context, c *Client) (any, error) { return nil, c.RemoveMember(ctx, "o", "i") },
	"listSessions":  func(ctx context.Context, c *Client) (any, error) { return c.Sessions(ctx, Page{1, "n"}) },
	"deleteSession": func(ctx context.Context, c *Client) (any, error) { return nil, c.EndSession(ctx, "i") },
	"listAudit": func(ctx context.Context, c *Client) (any, error) {
		return c.Audit(ctx, "o", AuditFilter{"a", "n.v"}, Page{1, "n"})
	},
	"listOperatorAudit": func(ctx context.Context, c *Client) (any, error) {
		return c.OperatorAudit(ctx, AuditFilter{"a", "n.v"}, Page{1, "n"})
	},
	"lintPolicies": func(ctx context.Context, c *Client) (any, error) {
		return c.LintPolicies(ctx, "trust", PastedPolicy{"n", "t"})
	},
	"simulatePolicies": func(ctx context.Context, c *Client) (any, error) {
		return c.SimulatePolicies(ctx, json.RawMessage("{}"))
	},
	"explainRefusal": func(ctx context.Context, c *Client) (any, error) { return c.ExplainRefusal(ctx, "m") },
}

// The client calls each operation of the OpenAPI document, with each parameter
// and each member of its body, and keeps each member of what is answered.
func TestDocument(t *testing.T) {
	t.Parallel()
	document := apitest.Read("../internal/api/testdata/openapi.json")
	known := map[string]bool{}
	for _, op := range document.Operations() {
		known[op.ID] = true
		t.Run(op.ID, func(t *testing.T) {
			t.Parallel()
			if calls[op.ID] == nil {
				t.Fatal("the client has no call for it")
			}
			example, err := json.Marshal(answerOf(document, op))
			if err != nil {
				t.Fatal(err)
			}
			s := &served{op: op, path: pattern(op.Path), answer: example}
			c, err := New(Options{URL: "https://rolecall.example.com", Token: planted, Transport: s})
			if err != nil {
				t.Fatal(err)
			}
			got, err := calls[op.ID](t.Context(), c)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := calls[op.ID](t.Context(), c.DryRun()); err != nil {
				t.Fatal(err)
			}
			for _, p := range op.Parameters {
				if name := p.In + " " + p.Name; p.In != "path" && !s.sent[name] && name != "header If-None-Match" && name != "header Last-Event-ID" {
					t.Errorf("the client cannot send the %s", name)
				}
			}
			if op.Body != nil && op.ID != "simulatePolicies" && op.ID != "rotateExternalID" {
				var body any
				if err := json.Unmarshal(s.body, &body); err != nil {
					t.Fatal(err)
				}
				without(t, document.Example(op.Body), body, "the client cannot send ")
			}
			if got == nil {
				return
			}
			text, err := json.Marshal(got)
			if err != nil {
				t.Fatal(err)
			}
			var kept, whole any
			if err := json.Unmarshal(text, &kept); err != nil {
				t.Fatal(err)
			}
			if err := json.Unmarshal(example, &whole); err != nil {
				t.Fatal(err)
			}
			without(t, whole, kept, "the client drops the answer's ")
		})
	}
	for id := range calls {
		if !known[id] {
			t.Errorf("the document has no operation %s", id)
		}
	}
}

// answerOf returns an example of what an operation answers with.
func answerOf(document apitest.Document, op apitest.Operation) any {
	for _, status := range []string{"200", "201", "202"} {
		if schema := op.Answers[status]; schema != nil {
			return document.Example(schema)
		}
	}
	return document.Example(document.Schemas()["Check"]) // of events
}

// without reports what of an example is missing.
func without(t *testing.T, example, got any, what string) {
	t.Helper()
	switch example := example.(type) {
	case apitest.Object:
		for name, value := range example {
			members, _ := got.(apitest.Object)
			if _, ok := members[name]; !ok {
				t.Errorf("%s%s", what, name)
				continue
			}
			without(t, value, members[name], what+name+".")
		}
	case []any:
		if list, _ := got.([]any); len(list) > 0 && len(example) > 0 {
			without(t, example[0], list[0], what)
		} else {
			t.Errorf("%s is no list", what)
		}
	}
}

// pattern matches the paths of an operation.
func pattern(path string) *regexp.Regexp {
	return regexp.MustCompile("^" + regexp.MustCompile(`\{[a-z]+\}`).ReplaceAllString(path, "[^/]+") + "$")
}

// served answers one operation as its schema says, and keeps what it was sent.
type served struct {
	op     apitest.Operation
	path   *regexp.Regexp
	answer []byte
	body   []byte
	sent   map[string]bool // parameters
}

func (s *served) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Method != s.op.Method || !s.path.MatchString(r.URL.EscapedPath()) {
		return nil, fmt.Errorf("%s %s is another operation", r.Method, r.URL) //nolint:err113 // of a test
	}
	if s.sent == nil {
		s.sent = map[string]bool{}
	}
	for name := range r.URL.Query() {
		s.sent["query "+name] = true
	}
	for name := range r.Header {
		s.sent["header "+name] = true
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	s.body = body
	answer := &http.Response{StatusCode: http.StatusOK, Header: http.Header{"Content-Type": {"application/json"}}, Body: io.NopCloser(bytes.NewReader(s.answer))}
	if s.op.ID == "watchCheck" {
		answer.Header.Set("Content-Type", "text/event-stream")
		answer.Body = io.NopCloser(strings.NewReader("id: 1\nevent: result\ndata: " + string(s.answer) + "\n\n"))
	}
	return answer, nil
}

// What is only to be made is sent as that, and a link leads to its service.
func TestNotThereAndLinks(t *testing.T) {
	t.Parallel()
	s := &site{answers: []func(*http.Request) (*http.Response, error){says(201, `{"revision":1}`, "ETag", `"1"`)}}
	if _, err := s.client(t).PutConnection(t.Context(), "acme", "masters", everything, NotThere); err != nil || s.seen[0].Header.Get("If-None-Match") != "*" || s.seen[0].Header.Get("If-Match") != "" {
		t.Errorf("%v, %v", err, s.seen[0].Header)
	}
	if o, err := s.client(t).Organization(t.Context(), "acme"); err != nil || o.Revision != 1 {
		t.Errorf("%+v, %v", o, err)
	}
	const link = "https://rolecall.example.com:8443/setup/" + planted
	if o, err := ParseLink(link); err != nil || o != (Options{URL: "https://rolecall.example.com:8443", Token: planted}) {
		t.Errorf("%v, %v", o, err)
	}
	for _, wrong := range []Link{"", planted, "https://rolecall.example.com/", "https://rolecall.example.com/signin/" + planted, "https://rolecall.example.com/setup/", link + "/x", link + "?x", "https://a:b@rolecall.example.com/setup/" + planted, "/setup/" + planted} {
		if _, err := ParseLink(wrong); rolecall.CodeOf(err) != rolecall.Invalid || strings.Contains(err.Error(), planted) {
			t.Errorf("%s: %v", string(wrong), err)
		}
	}
}
