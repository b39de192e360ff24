package explain_test

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/smithy-go"

	"github.com/rolecall/rolecall/policy/explain"
	"github.com/rolecall/rolecall/sandbox/sandboxtest"
)

// follow does, in the sandbox, what the hints say that come without a statement to
// add: then S3 no longer answers 403. It returns the hints.
func follow(t *testing.T) []string {
	t.Helper()
	const (
		list   = `, {Effect: Allow, Action: "s3:ListBucket", Resource: "arn:aws:s3:::acme"}`
		use    = `, {Effect: Allow, Action: ["kms:Decrypt", "kms:GenerateDataKey"], Resource: "*"}`
		opened = `, {Effect: Allow, Principal: {AWS: "arn:aws:iam::111122223333:role/media"}, Action: ["kms:Decrypt", "kms:GenerateDataKey"], Resource: "*"}`
		own    = "arn:aws:kms:eu-central-1:111122223333:key/mine"
		theirs = "arn:aws:kms:eu-central-1:444455556666:key/theirs"
	)
	var done []string
	for _, c := range []struct {
		about    explain.Case
		name     string    // that the hint is found by
		action   string    // put or get
		key      string    // KMS's
		followed [2]string // what is allowed in the permissions policy and in the key policy
		code     string    // then
	}{
		{explain.Case{Missing: true}, "s3:ListBucket on the bucket", "get", "", [2]string{list}, "NoSuchKey"},
		{explain.Case{Key: true}, "across accounts, in the key policy", "put", own, [2]string{use}, ""},
		{explain.Case{Key: true}, "across accounts, in the key policy", "put", theirs, [2]string{use, opened}, ""},
	} {
		about := c.about
		about.Denial.Action, about.Ours = map[string]string{"put": "s3:PutObject", "get": "s3:GetObject"}[c.action], true
		about.Denial.Principal, about.Denial.Resource = "arn:aws:sts::111122223333:assumed-role/media/acme.job", "arn:aws:s3:::acme/a.mov"
		found := ""
		for _, candidate := range about.Explain().Candidates {
			if strings.Contains(candidate.Hint, c.name) {
				found = candidate.Hint
			}
		}
		if found == "" {
			t.Errorf("%+v: there is no hint on %s", about, c.name)
		}
		if code := answer(t, c.action, c.key, "", ""); code != "AccessDenied" {
			t.Errorf("%s: S3 answers %q before it is followed", found, code)
		}
		if code := answer(t, c.action, c.key, c.followed[0], c.followed[1]); code != c.code {
			t.Errorf("%s: S3 answers %q, not %q", found, code, c.code)
		}
		done = append(done, found)
	}
	return done
}

// answer returns the error code with which the sandbox's S3 answers a role that
// has the statements added to its permissions policy and the key's policy.
func answer(t *testing.T, action, key, permissions, keyPolicy string) string {
	t.Helper()
	server := sandboxtest.Start(t, fmt.Sprintf(`accounts:
  "111122223333":
    roles:
      media:
        trust: {Version: "2012-10-17", Statement: {Effect: Deny, Principal: "*", Action: "sts:AssumeRole"}}
        access_key_id: ASIAEXAMPLE
        secret_access_key: secret
        session_token: token
        policies: [{Version: "2012-10-17", Statement: [{Effect: Allow, Action: ["s3:GetObject", "s3:PutObject"], Resource: "arn:aws:s3:::acme/*"}%s]}]
    buckets: {acme: {region: eu-central-1}}
    keys: {mine: {region: eu-central-1}}
  "444455556666":
    keys:
      theirs:
        region: eu-central-1
        policy: {Version: "2012-10-17", Statement: [{Effect: Allow, Principal: {AWS: "arn:aws:iam::444455556666:root"}, Action: "kms:*", Resource: "*"}%s]}
`, permissions, keyPolicy))
	transport := &http.Transport{}
	t.Cleanup(transport.CloseIdleConnections)
	client := s3.New(s3.Options{
		BaseEndpoint: &server.URL, UsePathStyle: true, Region: "eu-central-1", HTTPClient: &http.Client{Transport: transport},
		Credentials: credentials.NewStaticCredentialsProvider("ASIAEXAMPLE", "secret", "token"),
	})
	var err error
	if action == "get" {
		_, err = client.GetObject(t.Context(), &s3.GetObjectInput{Bucket: aws.String("acme"), Key: aws.String("a.mov")})
	} else {
		_, err = client.PutObject(t.Context(), &s3.PutObjectInput{
			Bucket: aws.String("acme"), Key: aws.String("a.mov"), Body: strings.NewReader("x"), ServerSideEncryption: "aws:kms", SSEKMSKeyId: &key,
		})
	}
	var refused smithy.APIError
	switch {
	case err == nil:
		return ""
	case errors.As(err, &refused):
		return refused.ErrorCode()
	default:
		return err.Error()
	}
}
