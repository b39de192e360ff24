package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aws/aws-lambda-go/events"

	"github.com/rolecall/rolecall/internal/dispenser"
	"github.com/rolecall/rolecall/internal/strict/yaml"
	"github.com/rolecall/rolecall/sandbox/sandboxtest"
)

const world = `
accounts:
  "873682911326": {roles: {rolecall-dispenser: {}, production: {}}}
  "111122223333":
    roles:
      function: {access_key_id: ASIAFUNCTION00000001, secret_access_key: planted-secret, session_token: planted-token}
      media:
        trust: {Version: "2012-10-17", Statement: {Effect: Allow, Principal: {AWS: "arn:aws:iam::111122223333:role/function"}, Action: "sts:AssumeRole"}}
`

// The function runs with the example's own config, on a sandbox.
func TestAnswer(t *testing.T) {
	t.Parallel()
	aws := sandboxtest.Start(t, world)
	text, err := os.ReadFile(configFile)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), configFile)
	if err := os.WriteFile(path, fmt.Appendf(text, "endpoints: {sts: %q}\n", aws.URL), 0o600); err != nil {
		t.Fatal(err)
	}
	env := map[string]string{"AWS_ACCESS_KEY_ID": "ASIAFUNCTION00000001", "AWS_SECRET_ACCESS_KEY": "planted-secret", "AWS_SESSION_TOKEN": "planted-token"}
	var log bytes.Buffer
	h, err := open(path, func(name string) string { return env[name] }, slog.New(slog.NewJSONHandler(&log, nil)))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(h.Close)

	const caller, externalID = "arn:aws:sts::873682911326:assumed-role/rolecall-dispenser/worker-1", "5a2b7c0e9d1f4e6ba3c8d7f6e5b4a392"
	for name, c := range map[string]struct {
		caller, externalID string
		more               string // a second value of bucket
		status             int
	}{
		"good":                {caller, externalID, "", http.StatusOK},
		"another principal":   {"arn:aws:sts::873682911326:assumed-role/production/worker-1", externalID, "", http.StatusForbidden},
		"nobody":              {"", externalID, "", http.StatusUnauthorized},
		"no external id":      {caller, "", "", http.StatusForbidden},
		"another external id": {caller, externalID[1:], "", http.StatusForbidden},
		"two buckets":         {caller, externalID, "acme-delivery", http.StatusBadRequest},
	} {
		event := events.APIGatewayProxyRequest{MultiValueQueryStringParameters: map[string][]string{
			"organization": {"acme"}, "job_id": {"j"}, "task_id": {"0"}, "tool": {"storage:get"},
			"bucket": {"acme-masters"}, "prefix": {"in/"}, "access": {"read"},
		}}
		if c.externalID != "" {
			event.MultiValueQueryStringParameters["external_id"] = []string{c.externalID}
		}
		if c.more != "" {
			event.MultiValueQueryStringParameters["bucket"] = append(event.MultiValueQueryStringParameters["bucket"], c.more)
		}
		event.RequestContext.Identity.UserArn = c.caller
		got, err := h.answer(t.Context(), event)
		if err != nil || got.StatusCode != c.status || got.Headers["Cache-Control"] != "no-store" {
			t.Errorf("%s: %d %s %v", name, got.StatusCode, got.Body, err)
		}
		if given := strings.Contains(got.Body, "AccessKeyId"); given != (c.status == http.StatusOK) {
			t.Errorf("%s: %s", name, got.Body)
		}
	}
	for _, secret := range []string{"planted", externalID} {
		if strings.Contains(log.String(), secret) {
			t.Errorf("the log shows %s", secret)
		}
	}
}

func TestNotUsable(t *testing.T) {
	t.Parallel()
	if _, err := open(filepath.Join(t.TempDir(), configFile), os.Getenv, slog.New(slog.DiscardHandler)); err == nil {
		t.Error("a missing config is taken")
	}
	if _, err := dispenser.Load(configFile, os.Getenv); err != nil {
		t.Errorf("the example: %v", err)
	}
}

// The template has what the function relies on: the gateway verifies the
// caller, and nothing else may invoke the function.
func TestTemplate(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("template.yaml")
	if err != nil {
		t.Fatal(err)
	}
	doc, err := yaml.ToJSON(text)
	if err != nil {
		t.Fatal(err)
	}
	var template struct {
		Resources map[string]struct {
			Type       string
			Properties struct {
				AuthorizationType, Principal string
				SourceArn                    map[string]string
				Policy                       struct {
					Statement struct{ Principal map[string]any }
				}
			}
		}
	}
	if err := json.Unmarshal(doc, &template); err != nil {
		t.Fatal(err)
	}
	seen := 0
	for name, r := range template.Resources {
		p, good := r.Properties, true
		switch r.Type {
		case "AWS::ApiGateway::Method":
			good = p.AuthorizationType == "AWS_IAM"
		case "AWS::ApiGateway::RestApi":
			good = fmt.Sprint(p.Policy.Statement.Principal["AWS"]) == "map[Ref:VendorPrincipal]"
		case "AWS::Lambda::Permission":
			good = p.Principal == "apigateway.amazonaws.com" && strings.HasSuffix(p.SourceArn["Fn::Sub"], ":${Api}/prod/GET/credentials")
		default:
			continue
		}
		seen++
		if !good {
			t.Errorf("%s lets others in", name)
		}
	}
	if seen != 3 {
		t.Errorf("%d of 3 doors are there", seen)
	}
}
