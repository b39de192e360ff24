package sandbox_test

import (
	"context"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"github.com/rolecall/rolecall/sandbox"
)

const accounts = `
accounts:
  "873682911326":
    users:
      worker:
        access_key_id: AKIAWORKER0000000001
        secret_access_key: secret
        policies: [{Version: "2012-10-17", Statement: {Effect: Allow, Action: "sts:AssumeRole", Resource: "*"}}]
  "111122223333":
    roles:
      media:
        trust:
          Version: "2012-10-17"
          Statement:
            Effect: Allow
            Principal: {AWS: "arn:aws:iam::873682911326:user/worker"}
            Action: sts:AssumeRole
            Condition: {StringEquals: {"sts:ExternalId": x-42}}
    buckets: {acme-masters: {region: eu-central-1}}
`

// A worker assumes a customer's role: without the external id STS refuses it.
func ExampleStart() {
	ctx := context.Background()
	cfg, err := sandbox.ParseConfig([]byte(accounts), ".")
	if err != nil {
		fmt.Println(err)
		return
	}
	server, err := sandbox.Start(ctx, cfg, sandbox.Options{})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer server.Close()

	client := sts.New(sts.Options{
		BaseEndpoint: &server.URL, Region: "eu-central-1",
		Credentials: credentials.NewStaticCredentialsProvider("AKIAWORKER0000000001", "secret", ""),
	})
	role := sts.AssumeRoleInput{RoleArn: aws.String("arn:aws:iam::111122223333:role/media"), RoleSessionName: aws.String("me")}
	_, err = client.AssumeRole(ctx, &role)
	fmt.Println("without:", strings.Contains(err.Error(), "is not authorized to perform: sts:AssumeRole"))
	role.ExternalId = aws.String("x-42")
	out, err := client.AssumeRole(ctx, &role)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println("with:", *out.AssumedRoleUser.Arn)
	// Output:
	// without: true
	// with: arn:aws:sts::111122223333:assumed-role/media/me
}

// Buckets are filled and looked into without asking any policy.
func ExampleServer_PutObject() {
	cfg, err := sandbox.ParseConfig([]byte(accounts), ".")
	if err != nil {
		fmt.Println(err)
		return
	}
	server, err := sandbox.Start(context.Background(), cfg, sandbox.Options{})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer server.Close()
	if err := server.PutObject("acme-masters", "in/a.mov", strings.NewReader("bytes")); err != nil {
		fmt.Println(err)
		return
	}
	for _, o := range server.Objects("acme-masters") {
		fmt.Println(o.Key, o.Size)
	}
	// Output:
	// in/a.mov 5
}
