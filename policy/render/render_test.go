package render_test

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rolecall/rolecall"
	"github.com/rolecall/rolecall/policy"
	"github.com/rolecall/rolecall/policy/render"
)

var update = flag.Bool("update", false, "write the golden files")

const mediaKey = "arn:aws:kms:eu-central-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab"

// source asks for the kit of a bucket that is read, changed.
func source(change func(*policy.KitRequest)) policy.KitRequest {
	r := policy.KitRequest{
		Connection: rolecall.Connection{
			Purpose: rolecall.Source, Bucket: "acme-masters", Prefix: "in/", Region: "eu-central-1",
			RoleARN: "arn:aws:iam::111122223333:role/media",
		},
		Principals: []string{"arn:aws:iam::873682911326:role/VTKWorker"}, ExternalIDs: []string{"x-42"},
	}
	change(&r)
	return r
}

// delivery asks for the kit of a bucket under a KMS key that is written to,
// changed.
func delivery(change func(*policy.KitRequest)) policy.KitRequest {
	return source(func(r *policy.KitRequest) {
		r.Connection.Purpose, r.Connection.Bucket, r.Connection.Prefix = rolecall.Delivery, "globex-inbox", "out/"
		r.Connection.Encryption = &rolecall.Encryption{Type: "aws:kms", Key: mediaKey}
		change(r)
	})
}

// requests are the kits that each format is tested with.
var requests = map[string]policy.KitRequest{
	"source": source(func(*policy.KitRequest) {}),
	"source-whole": source(func(r *policy.KitRequest) {
		r.Connection.Prefix, r.Connection.Region, r.Versioned = "", "", true
		r.Connection.RoleARN = "arn:aws:iam::111122223333:role/rolecall/eu/media"
	}),
	"delivery": delivery(func(*policy.KitRequest) {}),
	"delivery-everything": delivery(func(r *policy.KitRequest) {
		r.Principals = append(r.Principals, "arn:aws:iam::873682911326:role/eu/Worker", "arn:aws:iam::999988887777:user/staging")
		r.ExternalIDs = []string{"x-42", "acme/2026,b"}
		r.RequireTLS, r.RequireEncryption, r.Versioned = true, true, true
		r.Optional, r.Connection.ACL = policy.Grants(rolecall.Delivery), "bucket-owner-read"
		r.Connection.RoleSessionDurationSeconds = 7200
		r.RevokeBefore = time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)
	}),
	"delivery-cross": delivery(func(r *policy.KitRequest) {
		r.Connection.BucketOwner = "222233334444"
		r.Connection.Encryption.Key = strings.Replace(mediaKey, "111122223333", "333344445555", 1)
	}),
	"delivery-account": delivery(func(r *policy.KitRequest) {
		r.Form = policy.ByAccount
		r.Principals = append(r.Principals, "arn:aws:iam::999988887777:role/staging")
		r.Connection.Encryption.Key, r.Connection.Region = "", ""
	}),
	"odd-names": delivery(func(r *policy.KitRequest) {
		r.Connection.RoleARN = `arn:aws:iam::111122223333:role/it's/"${x}/$${y}%{z}\/me,dia=@+`
		r.Connection.Prefix = "Übung ~ 日本 🎬 Xe\u0301/$${a}/%{b}%%{c}/'\"\\ *?\u0085\u2028/"
		r.Connection.BucketOwner = "222233334444"
	}),
	"latin": delivery(func(r *policy.KitRequest) {
		r.Connection.RoleARN = `arn:aws:iam::111122223333:role/it's/"${x}/$${y}%{z}\/me,dia=@+`
		r.Connection.Prefix = "Übung/$${a}/%{b}%%{c}/'\"\\ *?\u0085/"
		r.Connection.BucketOwner = "222233334444"
	}),
	"china": delivery(func(r *policy.KitRequest) {
		r.Connection.RoleARN, r.Principals = "arn:aws-cn:iam::111122223333:role/media", []string{"arn:aws-cn:iam::873682911326:role/VTKWorker"}
		r.Connection.Region, r.Connection.Encryption.Key = "cn-north-1", "arn:aws-cn:kms:cn-north-1:111122223333:key/1111"
	}),
}

// setup makes the kit of a request.
func setup(t testing.TB, r policy.KitRequest, side render.Side) render.Setup {
	t.Helper()
	kit, err := policy.Generate(r)
	if err != nil {
		t.Fatal(err)
	}
	return render.Setup{Request: r, Kit: kit, Side: side}
}

func rendered(t testing.TB, f render.Format, s render.Setup) []byte {
	t.Helper()
	out, err := render.Render(f, s)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestRefused(t *testing.T) {
	t.Parallel()
	complete := setup(t, requests["delivery"], "")
	for _, c := range []struct {
		name   string
		format render.Format
		change func(*render.Setup)
		want   string
	}{
		{"unknown format", "pulumi", func(*render.Setup) {}, "one of json, cloudformation, terraform, cli"},
		{"unknown side", render.JSON, func(s *render.Setup) { s.Side = "both" }, "customer or vendor"},
		{"no kit", render.JSON, func(s *render.Setup) { s.Kit = policy.Kit{} }, "the kit is not complete"},
		{"another role", render.CLI, func(s *render.Setup) { s.Request.Connection.RoleARN = "arn:aws:iam::1:role/x" }, "malformed account id"},
		{"another key", render.CLI, func(s *render.Setup) { s.Request.Connection.Encryption = &rolecall.Encryption{Key: "x"} }, "not an ARN"},
		{"a dynamic reference", render.CloudFormation, func(s *render.Setup) {
			*s = setup(t, delivery(func(r *policy.KitRequest) { r.Connection.Prefix = "in/{{resolve:ssm:x}}/" }), "")
		}, "terraform or cli"},
		{"a dynamic reference in a path", render.CloudFormation, func(s *render.Setup) {
			*s = setup(t, delivery(func(r *policy.KitRequest) {
				r.Connection.RoleARN = "arn:aws:iam::111122223333:role/{{resolve:ssm:x}}/media"
			}), "")
		}, "terraform or cli"},
		{"another worker", render.CLI, func(s *render.Setup) { s.Request.Principals = []string{"x"} }, "not an ARN"},
		{"wide characters in a template", render.CloudFormation, func(s *render.Setup) { s.Request.Connection.Prefix = "日本/" }, "use the format terraform or cli"},
		{"all marks in a module", render.Terraform, func(s *render.Setup) { s.Request.Connection.Prefix = "日~^`|¬§¶¦¤/" }, "use the format cli"},
	} {
		s := complete
		c.change(&s)
		out, err := render.Render(c.format, s)
		text := ""
		for _, one := range rolecall.List(err) {
			text += one.Message + "; " + one.Hint
		}
		if out != nil || !strings.Contains(text, c.want) {
			t.Errorf("%s: %q, want %q", c.name, text, c.want)
		}
	}
}

var endings = map[render.Format]string{render.JSON: ".json", render.CloudFormation: ".yaml", render.Terraform: ".tf", render.CLI: ".sh"}

func TestGolden(t *testing.T) {
	t.Parallel()
	for name, request := range requests {
		for _, side := range []render.Side{render.Customer, render.Vendor} {
			s := setup(t, request, side)
			for _, f := range render.Formats() {
				if f == render.JSON && side == render.Vendor || f == render.CloudFormation && name == "odd-names" {
					continue // as the customer's, or refused
				}
				path := filepath.Join("testdata", "golden", name+"-"+string(side)+endings[f])
				got := rendered(t, f, s)
				if *update {
					if err := os.WriteFile(path, got, 0o600); err != nil {
						t.Fatal(err)
					}
				}
				want, err := os.ReadFile(path)
				if err != nil {
					t.Fatal(err)
				}
				if diff := cmp.Diff(string(want), string(got)); diff != "" {
					t.Errorf("%s (-want +got):\n%s", path, diff)
				}
				if !bytes.HasSuffix(got, []byte("\n")) || bytes.HasSuffix(got, []byte("\n\n")) {
					t.Errorf("%s does not end in one newline", path)
				}
			}
		}
	}
}
