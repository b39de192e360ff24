package vend

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rolecall/rolecall"
	"github.com/rolecall/rolecall/policy"
)

const (
	role = "arn:aws:iam::111122223333:role/media"
	key  = "arn:aws:kms:eu-central-1:111122223333:key/1"
)

func request(change func(*Request, *rolecall.Connection)) Request {
	worker, _ := rolecall.ParseARN("arn:aws:iam::999988887777:role/worker")
	signer, _ := rolecall.ParseARN("arn:aws:iam::999988887777:role/dispenser")
	c := rolecall.Connection{Purpose: rolecall.Delivery, Bucket: "acme-media", Prefix: "in/", Region: "eu-central-1", RoleARN: role}
	r := Request{
		Organization: rolecall.Organization{APIName: "acme", ExternalID: rolecall.ExternalID{Mode: rolecall.ExternalIDCustom, Value: "x-42"}},
		Vendor: rolecall.Vendor{Principals: map[string]rolecall.Principal{
			"production": {Name: "production", ARN: worker, Default: true},
			"dispenser":  {Name: "dispenser", ARN: signer},
		}},
		Connection: "media", Access: Read, Label: "exec",
	}
	if change != nil {
		change(&r, &c)
	}
	r.Organization.Connections = map[string]rolecall.Connection{"media": c}
	return r
}

// A tool may do what its access allows below its prefix, and nothing else.
func TestScope(t *testing.T) {
	t.Parallel()
	read := []policy.Operation{policy.Read, policy.List}
	write := append(slices.Clone(read), policy.Write)
	for name, c := range map[string]struct {
		change   func(*Request, *rolecall.Connection)
		prefix   string
		may      []policy.Operation
		key      string
		duration time.Duration
	}{
		"read":                 {nil, "in/", read, policy.AnyKey, time.Hour},
		"write":                {func(r *Request, _ *rolecall.Connection) { r.Access = Write }, "in/", write, policy.AnyKey, time.Hour},
		"below":                {func(r *Request, _ *rolecall.Connection) { r.Prefix = "reel/1/" }, "in/reel/1/", read, policy.AnyKey, time.Hour},
		"below, without slash": {func(r *Request, _ *rolecall.Connection) { r.Prefix = "reel" }, "in/reel/", read, policy.AnyKey, time.Hour},
		"the whole bucket":     {func(_ *Request, c *rolecall.Connection) { c.Prefix = "" }, "", read, policy.AnyKey, time.Hour},
		"an acl": {func(r *Request, c *rolecall.Connection) {
			r.Access, c.ACL = Write, "bucket-owner-full-control"
		}, "in/", append(slices.Clone(write), policy.ACL), policy.AnyKey, time.Hour},
		"a key": {func(r *Request, c *rolecall.Connection) {
			r.Access, c.Encryption = Write, &rolecall.Encryption{Type: "aws:kms", Key: key}
		}, "in/", write, key, time.Hour},
		// A tool does not name AES256, so that the bucket's default applies.
		"AES256": {func(r *Request, c *rolecall.Connection) {
			r.Access, c.Encryption = Write, &rolecall.Encryption{Type: "AES256"}
		}, "in/", write, policy.AnyKey, time.Hour},
		"a key, read": {func(_ *Request, c *rolecall.Connection) {
			c.Encryption = &rolecall.Encryption{Type: "aws:kms", Key: key}
		}, "in/", read, policy.AnyKey, time.Hour},
		"short sessions": {func(_ *Request, c *rolecall.Connection) { c.RoleSessionDurationSeconds = 900 }, "in/", read, policy.AnyKey, MinDuration},
		"long sessions":  {func(_ *Request, c *rolecall.Connection) { c.RoleSessionDurationSeconds = 7200 }, "in/", read, policy.AnyKey, 2 * time.Hour},
		"as long as wanted": {func(r *Request, c *rolecall.Connection) {
			c.RoleSessionDurationSeconds, r.Duration = 7200, 45*time.Minute
		}, "in/", read, policy.AnyKey, 45 * time.Minute},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g, err := Plan(request(c.change))
			if err != nil {
				t.Fatal(err)
			}
			want := policy.Scope{Partition: "aws", Region: "eu-central-1", Bucket: "acme-media", Prefixes: []string{c.prefix}, Operations: c.may, KMSKey: c.key}
			if diff := cmp.Diff(want, g.request().Scope()); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			if g.Place.Duration != c.duration {
				t.Errorf("sessions of %s, not %s", g.Place.Duration, c.duration)
			}
			if longest := 30 + len(".") + len(g.session); !strings.HasPrefix(g.session, "tool-") || longest > 64 {
				t.Errorf("the session's name ends in %s", g.session)
			}
			if _, err := policy.Session(g.request().Scope()); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestPlanRefuses(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		code   rolecall.Code
		change func(*Request, *rolecall.Connection)
	}{
		"no such connection":       {rolecall.NotFound, func(r *Request, _ *rolecall.Connection) { r.Connection = "other" }},
		"no such access":           {rolecall.Invalid, func(r *Request, _ *rolecall.Connection) { r.Access = "all" }},
		"no such principal":        {rolecall.Invalid, func(r *Request, _ *rolecall.Connection) { r.Principal = "other" }},
		"writing to a source":      {rolecall.Forbidden, func(r *Request, c *rolecall.Connection) { r.Access, c.Purpose = Write, rolecall.Source }},
		"the prefix's parent":      {rolecall.Invalid, func(r *Request, _ *rolecall.Connection) { r.Prefix = "../" }},
		"a parent further on":      {rolecall.Invalid, func(r *Request, _ *rolecall.Connection) { r.Prefix = "a/../../b" }},
		"an empty part":            {rolecall.Invalid, func(r *Request, _ *rolecall.Connection) { r.Prefix = "a//b" }},
		"from the bucket's root":   {rolecall.Invalid, func(r *Request, _ *rolecall.Connection) { r.Prefix = "/in" }},
		"a NUL":                    {rolecall.Invalid, func(r *Request, _ *rolecall.Connection) { r.Prefix = "a\x00" }},
		"too short":                {rolecall.Invalid, func(r *Request, _ *rolecall.Connection) { r.Duration = MinDuration - time.Second }},
		"too long":                 {rolecall.Invalid, func(r *Request, _ *rolecall.Connection) { r.Duration = rolecall.MaxSessionDuration + time.Second }},
		"a secret":                 {rolecall.Forbidden, func(_ *Request, c *rolecall.Connection) { c.RoleARN, c.Secret = "", "keys" }},
		"a role of the vendor's":   {rolecall.Forbidden, func(_ *Request, c *rolecall.Connection) { c.RoleARN = "arn:aws:iam::999988887777:role/x" }},
		"a role of elsewhere":      {rolecall.Invalid, func(_ *Request, c *rolecall.Connection) { c.RoleARN = "arn:aws-cn:iam::111122223333:role/x" }},
		"a session of a dispenser": {rolecall.Invalid, func(r *Request, c *rolecall.Connection) { dispensed(c); r.Duration = time.Hour }},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := Plan(request(c.change))
			var faults rolecall.Errors
			var one *rolecall.Error
			if !errors.As(err, &faults) && errors.As(err, &one) {
				faults = rolecall.Errors{one}
			}
			if len(faults) == 0 || faults[0].Code != c.code || faults[0].Pointer != "" {
				t.Errorf("%v, not %s", err, c.code)
			}
		})
	}
}

func dispensed(c *rolecall.Connection) {
	c.RoleARN, c.HTTPCredentialSource = "", &rolecall.HTTPCredentialSource{URL: "https://credentials.example.com/"}
}

func TestPlanTakesDispensers(t *testing.T) {
	t.Parallel()
	g, err := Plan(request(func(_ *Request, c *rolecall.Connection) { dispensed(c) }))
	if err != nil || g.Place.Dispenser == nil || g.Place.RoleARN != "" {
		t.Errorf("%+v, %v", g.Place, err)
	}
}
