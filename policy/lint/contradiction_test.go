package lint_test

import (
	"encoding/json"
	"strings"
	"testing"
)

// TestWhatMatchesNothingOpensNothing tries ARNs that nothing has: where one is
// said to match nothing, no other rule says what it opens.
func TestWhatMatchesNothingOpensNothing(t *testing.T) {
	t.Parallel()
	for _, resource := range []string{
		"arn:aws:s3::acme-masters/*", "arn:aws:s3:acme-masters/*", "arn:aws:s3::*/*", "arn:aws:s3:/*", `arn:aws:s3:::acme-masters\in\*`, `arn:aws:s3:::acme-masters\*`,
		"arn:aws:s3:::s3://acme-masters/*", "arn:aws:s3:::https://acme-masters/*", "arn:aws:s3:::/acme-masters/*", "arn:aws:s3:::acme..masters/*", "arn:aws:s3:::/*",
		"arn:aws:s3:::192.168.1.1/*", "arn:aws:s3:::arn:aws:s3:::acme-masters/*", "arn:aws:s3:eu-central-1::acme-masters/*", "arn:aws:s3::111122223333:acme-masters/*",
		"arn:aws:s3:eu-central-1:111122223333:*", "arn:aws:s3:::acme masters*", "arn:aws:s3:::acme-masters:*", "arn:aws:S3:::acme-masters/*", "arn:aws:s3:::acme-masters.s3.amazonaws.com/*",
		"arn:aws:kms:*:key/*", "arn:aws:kms:::key/*", "arn:aws:kms:eu-central-1::key/*", "arn:aws:kms:eu-central-1:111122223333:*/*", "arn:aws:kms:eu-central-1:1111:key/*",
		"arn:aws:iam:::role/*", "arn:aws:iam:eu-central-1:111122223333:role/*", "arn:aws:iam::1111:role/*", "s3://acme-masters/*", "acme-masters/*", "acme*", "s3:*",
	} {
		for _, actions := range []any{"s3:GetObject", "s3:ListBucket", []string{"s3:GetObject", "s3:ListBucket"}, "s3:*", "kms:Decrypt", "kms:*", "sts:AssumeRole", "iam:PassRole", "*"} {
			document, err := json.Marshal(map[string]any{"Version": "2012-10-17", "Statement": []any{map[string]any{"Effect": "Allow", "Action": actions, "Resource": resource}}})
			if err != nil {
				t.Fatal(err)
			}
			for _, words := range []string{"permissions", "permissions for masters", "worker"} {
				r := check(t, document, optionsOf(t, words))
				nothing := false
				for _, f := range r.Findings {
					nothing = nothing || f.Rule == "resource-malformed" && strings.Contains(f.Message, "matches nothing")
				}
				for _, f := range r.Findings {
					if nothing && f.Pointer == "/Statement/0/Resource" && f.Rule != "resource-malformed" && f.Rule != "worker-resource" {
						t.Errorf("%s of %v as %s: %s: %s", resource, actions, words, f.Rule, f.Message)
					}
				}
			}
		}
	}
}
