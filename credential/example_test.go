package credential_test

import (
	"context"
	"errors"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/credentials"

	"github.com/rolecall/rolecall"
	"github.com/rolecall/rolecall/credential"
	"github.com/rolecall/rolecall/sandbox"
)

// Two customers' roles trust the vendor's worker. One asks for the customer's
// external id, the other does not.
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
            Condition: {StringEquals: {"sts:ExternalId": acme-42}}
  "222233334444":
    roles:
      open:
        trust:
          Version: "2012-10-17"
          Statement:
            Effect: Allow
            Principal: {AWS: "arn:aws:iam::873682911326:user/worker"}
            Action: sts:AssumeRole
`

// A role is assumed only if it refuses whoever does not know the external id.
func Example() {
	ctx := context.Background()
	config, err := sandbox.ParseConfig([]byte(accounts), ".")
	if err != nil {
		fmt.Println(err)
		return
	}
	aws, err := sandbox.Start(ctx, config, sandbox.Options{})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer aws.Close()

	worker, err := rolecall.ParseARN("arn:aws:iam::873682911326:user/worker")
	if err != nil {
		fmt.Println(err)
		return
	}
	vault, err := credential.New(credential.Options{
		Principals: map[string]credential.Principal{"production": {
			Principal:   rolecall.Principal{Name: "production", ARN: worker},
			Credentials: credentials.NewStaticCredentialsProvider("AKIAWORKER0000000001", "secret", ""),
		}},
		Verdicts:    credential.Memory(),
		STSEndpoint: aws.URL, // leave it out for AWS itself
		OnEvent: func(e credential.Event) {
			switch e.Kind {
			case credential.EventProof:
				fmt.Printf("proved %s: %t\n", e.RoleARN, e.Passed)
			case credential.EventAssume:
				fmt.Printf("assumed %s as %s\n", e.RoleARN, e.SessionName)
			}
		},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer vault.Close()

	for _, role := range []string{"arn:aws:iam::111122223333:role/media", "arn:aws:iam::222233334444:role/open"} {
		provider := vault.Role(credential.Role{
			Organization: "acme", Principal: "production", RoleARN: role, ExternalID: "acme-42", JobID: "job-1",
			Policy: []byte(`{"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::acme-masters/in/*"}}`),
		})
		session, err := provider.Retrieve(ctx)
		fmt.Printf("keys: %t, unsafe: %t\n", session.HasKeys(), errors.Is(err, credential.ErrUnsafe))
	}
	// Output:
	// proved arn:aws:iam::111122223333:role/media: true
	// assumed arn:aws:iam::111122223333:role/media as acme.job-1
	// keys: true, unsafe: false
	// proved arn:aws:iam::222233334444:role/open: false
	// keys: false, unsafe: true
}

// New names all faults at once.
func ExampleNew() {
	_, err := credential.New(credential.Options{VendorAccounts: []string{"8736-8291-1326"}})
	fmt.Println(err)
	// Output:
	// /VendorAccounts/0: "8736-8291-1326" is no account id
	// /Verdicts: a store of verdicts is missing
}
