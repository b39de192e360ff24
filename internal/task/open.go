package task

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/rolecall/rolecall"
	"github.com/rolecall/rolecall/credential"
	"github.com/rolecall/rolecall/internal/transfer"
	"github.com/rolecall/rolecall/policy"
)

// side is one end of a step, ready for work.
type side struct {
	end    end
	place  rolecall.Place
	region string // of the bucket; empty where nobody said
	// session is the name of the role session; empty where it is none of ours.
	session string
	// sweeps says that the session may list the bucket's uploads, if the role may.
	sweeps bool
	bucket transfer.Bucket
}

// String gives the place as people write it.
func (at side) String() string { return "s3://" + at.place.Bucket + "/" + at.place.Key }

// open readies one end of the step: it finds the bucket's region, and makes a
// client whose credentials can do what this step does there.
func (s *stage) open(ctx context.Context, e end) (side, error) {
	at := side{end: e, place: e.of(s.step), sweeps: writes(s.step, e) && s.leftovers()}
	var err error
	if at.region, err = s.region(ctx, at); err != nil {
		return at, err
	}
	provider, told, err := s.provider(at)
	if err != nil {
		return at, err
	}
	// Taken now, so that what is wrong with a role is not told as S3's fault.
	first, err := provider.Retrieve(ctx)
	if err != nil {
		return at, s.fault(ctx, err, at, at.place.Way)
	}
	if told.Dispenser != "" {
		s.log.InfoContext(ctx, "session is a dispenser's and not narrowed here", "dispenser", told.Dispenser, "place", told.Place)
		at.place.BucketOwner = cmp.Or(at.place.BucketOwner, first.AccountID) // pinned, as a role's is by its ARN
	}
	at.session = told.Session
	lease := s.lease(ctx, provider, first, at.place.Way)
	s.observe(told)
	at.bucket = transfer.Bucket{
		Name: at.place.Bucket, Owner: at.place.BucketOwner, RequesterPays: at.place.RequesterPays,
		// Not every S3-compatible service knows S3's newer checksums and conditions.
		NoChecksums: at.place.EndpointURL != "", LookFirst: at.place.EndpointURL != "",
		Client: s.client(at, lease),
	}
	return at, nil
}

// client makes a client for one end of the step.
func (s *stage) client(at side, credentials aws.CredentialsProvider) *transfer.Client {
	endpoint, client := s.tools.endpoint(at.place)
	return transfer.NewClient(transfer.ClientOptions{
		Credentials: credentials, Region: at.region, Endpoint: endpoint, PathStyle: endpoint != "", HTTP: client, UserAgent: s.label(),
		Memory: s.tools.env.Memory, Rates: s.tools.env.Rates,
	})
}

// endpoint is where a place's bucket is asked for, empty for AWS's, and by whom.
func (t *Tools) endpoint(place rolecall.Place) (string, *http.Client) {
	if place.EndpointURL != "" {
		return place.EndpointURL, t.clients.Tenant(place.EndpointURL)
	}
	return t.env.S3Endpoint, t.clients.Operator
}

// label names the step in the User-Agent, for the customer's CloudTrail.
func (s *stage) label() string { return fmt.Sprintf("task-%d", s.step.Index) }

// provider gives the credentials of one end, of a role under this step's
// session policy, of a secret or of a dispenser, and what to tell of them.
func (s *stage) provider(at side) (*credential.Provider, Event, error) {
	plan, place := s.tools.job.Plan, at.place
	told := Event{Kind: Authorized, Place: at.String(), Role: place.RoleARN}
	if place.Secret.Name != "" {
		return s.tools.env.Vault.Secret(credential.SecretRequest{
			Organization: plan.Organization, Secret: place.Secret, Bucket: place.Bucket, Revision: place.Revision,
		}), told, nil
	}
	if place.Dispenser != nil {
		told.Dispenser = place.Dispenser.URL
		return s.dispenser(at), told, nil
	}
	text, err := session(s.scope(at), s.besides(at))
	if err != nil {
		return nil, told, s.located(err, place.Pointer)
	}
	provider, told := s.role(at, text)
	return provider, told, nil
}

// role gives the credentials of an end's role under a session policy.
func (s *stage) role(at side, text []byte) (*credential.Provider, Event) {
	plan, place := s.tools.job.Plan, at.place
	role := credential.Role{
		Organization: plan.Organization, Principal: plan.Principal.Name, RoleARN: place.RoleARN, ExternalID: place.ExternalID,
		JobID: s.tools.job.ID, TaskLabel: s.label(), Policy: text, Duration: place.Duration, Region: s.stsRegion(at), Revision: place.Revision,
	}
	told := Event{Kind: Authorized, Place: at.String(), Role: place.RoleARN, Session: role.SessionName(), Policy: text}
	return s.tools.env.Vault.Role(role), told
}

func (s *stage) scope(at side) policy.Scope {
	scope := scopeOf(s.step, at.end)
	scope.Partition, scope.Region = s.tools.job.Plan.Principal.ARN.Partition, at.region
	return scope
}

// session builds the session policy of a scope, and allows the operations
// besides as well, as far as there is room.
func session(scope policy.Scope, besides []policy.Operation) ([]byte, error) {
	with := scope
	with.Operations = append(slices.Clone(scope.Operations), besides...)
	text, err := policy.Session(with)
	if err != nil && len(besides) > 0 {
		return session(scope, besides[:len(besides)-1])
	}
	return text, err
}

// bucketAt names a bucket of one endpoint.
type bucketAt struct{ endpoint, bucket string }

// region gives the region of a place's bucket, as S3 answers it, to anyone, in
// a header of HeadBucket. A wrong one in the job shows here, since S3 hardly
// says so later. Other servers may not know theirs; then the job's holds, or
// it is empty.
// https://docs.aws.amazon.com/AmazonS3/latest/API/API_HeadBucket.html
func (s *stage) region(ctx context.Context, at side) (string, error) {
	declared := at.place.Region
	endpoint, client := s.tools.endpoint(at.place)
	if declared != "" && at.place.EndpointURL != "" {
		return declared, nil
	}
	answered, err := s.tools.ask(ctx, bucketAt{endpoint, at.place.Bucket}, client)
	if err != nil {
		return "", s.fault(ctx, err, at, at.place.Pointer)
	}
	switch {
	case answered == "":
		return declared, nil
	case declared != "" && declared != answered:
		return "", &rolecall.Error{
			Code: rolecall.Invalid, Pointer: at.place.Pointer,
			Message: fmt.Sprintf("the bucket %q is in the region %s, not %s", at.place.Bucket, answered, declared),
			Hint:    "correct the region of the connection or location, or leave it out",
		}
	default:
		return answered, nil
	}
}

// ask asks for a bucket's region, once for a job.
func (t *Tools) ask(ctx context.Context, at bucketAt, client *http.Client) (string, error) {
	t.mu.Lock()
	known, ok := t.regions[at]
	t.mu.Unlock()
	if ok {
		return known, nil
	}
	region, err := transfer.RegionOf(ctx, transfer.RegionQuestion{
		Bucket: at.bucket, Endpoint: at.endpoint, Home: rolecall.HomeRegion(t.job.Plan.Principal.ARN.Partition), HTTP: client,
		Patient: true,
	})
	if err == nil {
		t.mu.Lock()
		t.regions[at] = region
		t.mu.Unlock()
	}
	return region, err
}
