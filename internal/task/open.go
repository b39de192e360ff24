package task

import (
	"cmp"
	"context"
	"fmt"
	"strconv"
	"strings"
	"unicode"

	"github.com/rolecall/rolecall"
	"github.com/rolecall/rolecall/internal/access"
	"github.com/rolecall/rolecall/internal/refusal"
	"github.com/rolecall/rolecall/internal/transfer"
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

// String returns the place as people write it.
func (at side) String() string {
	name := "s3://" + at.place.Bucket + "/" + at.place.Key
	if strings.ContainsFunc(name, unicode.IsControl) {
		return strconv.Quote(name)
	}
	return name
}

// request says what the step does at one of its ends.
func (s *work) request(at side) access.Request {
	job, place := s.tools.job, at.place
	place.Region = at.region
	var objects []string
	var outer *string
	if !writes(s.step, at.end) && len(s.step.Files) > 0 {
		outer = &at.place.Key
		place.Key += commonDirectory(s.step.Files)
		objects = namedKeys(at.place.Key, s.step.Files)
	}
	return access.Request{
		Organization: job.Plan.Organization, Principal: job.Plan.Principal, JobRegion: job.Plan.Region, ID: job.ID,
		Label: fmt.Sprintf("task-%d", s.step.Index), TaskID: strconv.Itoa(s.step.Index), Tool: s.step.Tool,
		Place: place, Objects: objects, Outer: outer, Operations: operations(s.step, at.end), Optional: s.optionalOperations(at),
	}
}

// open readies one end of the step: it finds the bucket's region, and makes a
// client whose credentials can do what this step does there.
func (s *work) open(ctx context.Context, e end) (side, error) {
	at := side{end: e, place: e.of(s.step), sweeps: writes(s.step, e) && s.leftovers()}
	var err error
	if at.region, err = s.region(ctx, at); err != nil {
		return at, err
	}
	request := s.request(at)
	credential, err := s.tools.access.Credential(request)
	if err != nil {
		return at, s.located(err, at.place.Pointer)
	}
	lease, err := s.take(ctx, at, credential)
	if err != nil {
		return at, s.fault(ctx, err, at, at.place.AuthorizedAt)
	}
	if at.place.Dispenser != nil {
		s.log.InfoContext(ctx, "session is a dispenser's and not narrowed here", "dispenser", at.place.Dispenser.URL, "place", at.String())
		at.place.BucketOwner = cmp.Or(at.place.BucketOwner, lease.last.AccountID) // pinned, as a role's is by its ARN
	}
	at.session = credential.Session
	at.bucket = transfer.Bucket{
		Name: at.place.Bucket, Owner: at.place.BucketOwner, RequesterPays: at.place.RequesterPays,
		// Not every S3-compatible service knows S3's newer checksums and conditions.
		NoChecksums: at.place.EndpointURL != "", LookFirst: at.place.EndpointURL != "",
		Client: s.tools.access.Client(request, lease),
	}
	return at, nil
}

// take takes the first credential, so that what is wrong with a role is not
// reported as S3's fault, and holds the claim that it rests on.
func (s *work) take(ctx context.Context, at side, c access.Credential) (*lease, error) {
	switch {
	case at.place.RoleARN != "":
		s.wait.on("STS, to prove and assume the role " + at.place.RoleARN)
	case at.place.Dispenser != nil:
		s.wait.on("the dispenser " + at.place.Dispenser.URL)
	}
	first, err := c.Retrieve(ctx)
	if err != nil {
		return nil, err
	}
	s.wait.on("the transfers with " + at.String())
	authorized := Event{Kind: Authorized, Place: at.String(), Role: at.place.RoleARN, Session: c.Session, Policy: c.Policy}
	if at.place.Dispenser != nil {
		authorized.Dispenser = at.place.Dispenser.URL
	}
	l := s.lease(ctx, c.Provider, first, at.place.AuthorizedAt)
	s.observe(authorized)
	return l, nil
}

// region returns the region of a place's bucket. A wrong one in the job shows
// here, since S3 hardly says so later. Other servers may not know theirs; then
// the job's is used, or it is empty.
func (s *work) region(ctx context.Context, at side) (string, error) {
	declared := at.place.Region
	if declared != "" && at.place.EndpointURL != "" {
		return declared, nil
	}
	s.wait.on(fmt.Sprintf("S3, to say in which region the bucket %q is", at.place.Bucket))
	answered, err := s.tools.askRegion(ctx, s.request(at))
	if err != nil {
		return "", s.fault(ctx, err, at, at.place.Pointer)
	}
	switch {
	case answered == "":
		return declared, nil
	case declared != "" && declared != answered:
		return "", refusal.OtherRegion(at.place, answered).Err(at.place.Pointer, nil)
	default:
		return answered, nil
	}
}

// bucketAt names a bucket of one endpoint.
type bucketAt struct{ endpoint, bucket string }

// askRegion asks for a bucket's region, once for a job.
func (t *Tools) askRegion(ctx context.Context, r access.Request) (string, error) {
	at := bucketAt{r.Place.EndpointURL, r.Place.Bucket}
	t.mu.Lock()
	known, ok := t.regions[at]
	t.mu.Unlock()
	if ok {
		return known, nil
	}
	region, err := t.access.AskRegion(ctx, r)
	if err == nil {
		t.mu.Lock()
		t.regions[at] = region
		t.mu.Unlock()
	}
	return region, err
}
