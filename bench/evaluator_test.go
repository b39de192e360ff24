// Package bench has the measurements of docs/benchmarks.md.
package bench

import (
	"bytes"
	"io"
	"testing"

	"github.com/rolecall/rolecall/policy"
)

func parse(b *testing.B, text string) *policy.Document {
	b.Helper()
	d, err := policy.Parse([]byte(text))
	if err != nil {
		b.Fatal(err)
	}
	return d
}

const (
	identityPolicy = `{"Version":"2012-10-17","Statement":[
		{"Sid":"List","Effect":"Allow","Action":"s3:ListBucket","Resource":"arn:aws:s3:::acme-masters","Condition":{"StringLike":{"s3:prefix":["in/*","in/"]}}},
		{"Sid":"Read","Effect":"Allow","Action":["s3:GetObject","s3:GetObjectVersion"],"Resource":"arn:aws:s3:::acme-masters/in/*"},
		{"Sid":"Key","Effect":"Allow","Action":"kms:Decrypt","Resource":"arn:aws:kms:eu-central-1:111122223333:key/*",
		 "Condition":{"StringEquals":{"kms:ViaService":"s3.eu-central-1.amazonaws.com"}}}]}`
	sessionPolicy = `{"Version":"2012-10-17","Statement":[
		{"Effect":"Allow","Action":["s3:GetObject","s3:GetObjectVersion"],"Resource":"arn:aws:s3:::acme-masters/in/job-1/*"},
		{"Effect":"Allow","Action":"s3:ListBucket","Resource":"arn:aws:s3:::acme-masters","Condition":{"StringLike":{"s3:prefix":"in/job-1/*"}}},
		{"Effect":"Deny","Action":"s3:*","NotResource":["arn:aws:s3:::acme-masters","arn:aws:s3:::acme-masters/in/job-1/*"]}]}`
	bucketPolicy = `{"Version":"2012-10-17","Statement":[
		{"Sid":"TLS","Effect":"Deny","Principal":"*","Action":"s3:*","Resource":["arn:aws:s3:::acme-masters","arn:aws:s3:::acme-masters/*"],
		 "Condition":{"Bool":{"aws:SecureTransport":"false"}}},
		{"Sid":"Net","Effect":"Deny","Principal":"*","Action":"s3:*","Resource":"arn:aws:s3:::acme-masters/*",
		 "Condition":{"NotIpAddressIfExists":{"aws:SourceIp":["203.0.113.0/24","2001:db8::/32"]}}},
		{"Sid":"Role","Effect":"Allow","Principal":{"AWS":"arn:aws:iam::111122223333:role/media"},"Action":["s3:GetObject","s3:ListBucket"],
		 "Resource":["arn:aws:s3:::acme-masters","arn:aws:s3:::acme-masters/*"],"Condition":{"StringEquals":{"aws:PrincipalOrgID":"o-acme"}}}]}`
)

// BenchmarkEvaluate decides a worker's GetObject: a role session with
// identity, session and bucket policies and their conditions.
func BenchmarkEvaluate(b *testing.B) {
	policies := policy.Policies{
		Identity: []*policy.Document{parse(b, identityPolicy)},
		Session:  parse(b, sessionPolicy),
		Resource: parse(b, bucketPolicy),
	}
	request := policy.Request{
		Principal: "arn:aws:sts::111122223333:assumed-role/media/acme.job-1",
		Action:    "s3:GetObject",
		Resource:  "arn:aws:s3:::acme-masters/in/job-1/reel-1/scene 4.mov",
		Account:   "111122223333",
		Context: map[string][]string{
			"aws:SecureTransport": {"true"}, "aws:SourceIp": {"203.0.113.7"}, "aws:PrincipalOrgID": {"o-acme"},
			"aws:RequestedRegion": {"eu-central-1"}, "aws:TokenIssueTime": {"2026-11-01T10:00:00Z"}, "s3:authType": {"REST-HEADER"},
		},
	}
	b.ReportAllocs()
	for b.Loop() {
		if got := policy.Evaluate(request, policies); got.Decision != policy.Allowed {
			b.Fatalf("%+v", got)
		}
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "decisions/s")
}

// BenchmarkSimulate answers the same as JSON lines, parsing the policies each time.
func BenchmarkSimulate(b *testing.B) {
	line := []byte(`{"principal":"arn:aws:sts::111122223333:assumed-role/media/acme.job-1","action":"s3:GetObject",` +
		`"resource":"arn:aws:s3:::acme-masters/in/job-1/reel-1/scene 4.mov","account":"111122223333",` +
		`"context":{"aws:SecureTransport":"true","aws:SourceIp":"203.0.113.7","aws:PrincipalOrgID":"o-acme"},` +
		`"identity":[` + identityPolicy + `],"session":` + sessionPolicy + `,"resource_policy":` + bucketPolicy + `}`)
	line = append(bytes.ReplaceAll(line, []byte("\n"), nil), '\n')
	b.ReportAllocs()
	if err := policy.Simulate(&repeated{line: line, n: b.N}, io.Discard); err != nil {
		b.Fatal(err)
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "decisions/s")
}

// repeated reads as the line, n times.
type repeated struct {
	line []byte
	n    int
	at   int
}

func (r *repeated) Read(p []byte) (int, error) {
	if r.n == 0 {
		return 0, io.EOF
	}
	n := copy(p, r.line[r.at:])
	if r.at += n; r.at == len(r.line) {
		r.at, r.n = 0, r.n-1
	}
	return n, nil
}
