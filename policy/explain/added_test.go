package explain_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/rolecall/rolecall/internal/awsaction"
	"github.com/rolecall/rolecall/policy"
	"github.com/rolecall/rolecall/policy/explain"
	"github.com/rolecall/rolecall/sandbox/sandboxtest"
)

// What a refusal's explanation says to add is stored by AWS, for whatever action and
// by whichever policy was missing.
func TestAddedStatementsAreStored(t *testing.T) {
	t.Parallel()
	server := sandboxtest.Start(t, storing)
	admin := aws.Credentials{AccessKeyID: "AKIAADMIN", SecretAccessKey: "s"}
	resources := map[string][]string{
		"s3": {"arn:aws:s3:::acme", "arn:aws:s3:::acme/in/a", "arn:aws:s3:::acme/in/a*b?c", "*"}, "kms": {"arn:aws:kms:eu-central-1:111122223333:key/key1", "*"},
		"sts": {"arn:aws:iam::111122223333:role/media"}, "iam": {"arn:aws:iam::111122223333:role/media"},
	}
	stored := 0
	for _, a := range awsaction.Read().Actions {
		for _, resource := range resources[a.Service] {
			for _, who := range []string{"arn:aws:sts::873682911326:assumed-role/Worker/s", "arn:aws:sts::111122223333:assumed-role/media/s", "arn:aws:iam::111122223333:user/boss"} {
				for _, layer := range []string{"identity-based", "resource-based", "session", "permissions boundary"} {
					says := "policy"
					if layer == "permissions boundary" {
						says = ""
					}
					text := strings.Join(strings.Fields(fmt.Sprintf("User: %s is not authorized to perform: %s:%s on resource: %s because no %s %s allows the %s:%s action", who, a.Service, a.Name, resource, layer, says, a.Service, a.Name)), " ")
					e, err := explain.Message(text)
					if err != nil {
						t.Errorf("%s: %v", text, err)
						continue
					}
					for _, c := range e.Candidates {
						if c.Add == nil {
							continue
						}
						document, call, name := strings.ReplaceAll(string(c.Add.JSON()), "<external id>", "agreed-1"), "PutRolePolicy", "media"
						if c.Layer == policy.DeniedByResource {
							call, name = map[string]string{"s3": "PutBucketPolicy", "kms": "PutKeyPolicy", "sts": "UpdateAssumeRolePolicy"}[a.Service], map[string]string{"s3": "acme", "kms": "key1", "sts": "media"}[a.Service]
						}
						if call == "PutKeyPolicy" { // it is added to what is there
							document = strings.Replace(document, `"Statement":[`, `"Statement":[{"Effect":"Allow","Principal":{"AWS":"111122223333"},"Action":"kms:*","Resource":"*"},`, 1)
						}
						if call == "" {
							t.Errorf("%s: %s", text, document)
							continue
						}
						if err := sandboxtest.StorePolicy(t, server, admin, call, name, document); err != nil {
							t.Errorf("%s\n%s\n%v", text, document, err)
						}
						stored++
					}
				}
			}
		}
	}
	if stored < 100 {
		t.Errorf("only %d were stored", stored)
	}
}
