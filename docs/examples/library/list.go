package main

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/rolecall/rolecall"
	"github.com/rolecall/rolecall/credential"
	"github.com/rolecall/rolecall/policy"
)

// openVault returns a vault that assumes customers' roles with our own
// credentials. An endpoint is for tests; without one STS is AWS's.
//
// Its verdicts on roles are kept in memory, so that each role is proved again
// after a start. A service keeps them in a database: it implements
// credential.Verdicts and tests that with package credential/verdicttest.
func openVault(own aws.CredentialsProvider, endpoint string) (*credential.Vault, error) {
	arn, err := rolecall.ParseARN(worker)
	if err != nil {
		return nil, err
	}
	return credential.New(credential.Options{
		Principals: map[string]credential.Principal{
			"worker": {Principal: rolecall.Principal{Name: "worker", ARN: arn}, Credentials: own},
		},
		Verdicts:    credential.Memory(),
		STSEndpoint: endpoint,
	})
}

// list returns the keys below the connection's prefix.
//
// The vault assumes the role only if it passes its probes: STS must accept the
// customer's external id, and refuse none, a random one and similar ones. A
// role that fails may be used by any customer of ours who knows its ARN; the
// error is credential.ErrUnsafe then. The session may list the prefix, whatever
// else the role allows.
func list(ctx context.Context, vault *credential.Vault, c customer, endpoint string) ([]string, error) {
	session, err := policy.Session(policy.Scope{
		Region:     c.connection.Region,
		Bucket:     c.connection.Bucket,
		Prefixes:   []string{c.connection.Prefix},
		Operations: []policy.Operation{policy.List},
	})
	if err != nil {
		return nil, err
	}
	role, err := rolecall.ParseRoleARN(c.connection.RoleARN)
	if err != nil {
		return nil, err
	}
	options := s3.Options{
		Region: c.connection.Region,
		// An aws.CredentialsProvider, which renews its session in time. The vault
		// caches: no aws.CredentialsCache is needed around it.
		Credentials: vault.Role(credential.Role{
			Organization: c.name,
			Principal:    "worker",
			RoleARN:      c.connection.RoleARN,
			ExternalID:   c.externalID,
			JobID:        "list-" + c.connection.Name,
			Region:       c.connection.Region, // whose STS is asked
			Policy:       session,
		}),
	}
	if endpoint != "" {
		options.BaseEndpoint, options.UsePathStyle = &endpoint, true
	}
	pages := s3.NewListObjectsV2Paginator(s3.New(options), &s3.ListObjectsV2Input{
		Bucket:              &c.connection.Bucket,
		Prefix:              &c.connection.Prefix,
		ExpectedBucketOwner: &role.Account,
	})
	var keys []string
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return keys, err
		}
		for _, o := range page.Contents {
			keys = append(keys, *o.Key)
		}
	}
	return keys, nil
}
