package demo

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"github.com/rolecall/rolecall"
	"github.com/rolecall/rolecall/credential"
	"github.com/rolecall/rolecall/internal/awscode"
)

// refusals tries what must be refused.
func (d *demo) refusals(ctx context.Context) error {
	media := d.role(d.Acme, "media")
	d.assumeRefused(ctx, "production assumes acme's role without an external id", media, nil)
	d.assumeRefused(ctx, "production assumes acme's role with globex's external id", media, &d.GlobexID)
	for _, try := range []jobAttempt{
		{"a job of globex's names acme's role", "globex", "", media},
		{"a job runs as staging, which acme's role does not trust", "acme", "staging", media},
		{"a job of acme's uses a role that does not check the external id", "acme", "", d.role(d.Acme, "media-open")},
	} {
		if err := d.jobRefused(ctx, try); err != nil {
			return err
		}
	}
	return d.keyRefused(ctx, media)
}

// assumeRefused calls STS directly, with production's own credentials.
func (d *demo) assumeRefused(ctx context.Context, attempt, role string, externalID *string) {
	_, err := d.assume(ctx, role, externalID)
	d.refusal(attempt, "STS", err)
}

func (d *demo) assume(ctx context.Context, role string, externalID *string) (aws.CredentialsProvider, error) {
	client := sts.New(sts.Options{Region: d.Region, BaseEndpoint: &d.URL, Credentials: d.Production.provider()})
	out, err := client.AssumeRole(ctx, &sts.AssumeRoleInput{RoleArn: &role, RoleSessionName: aws.String("curious"), ExternalId: externalID})
	if err != nil {
		return nil, err
	}
	c := out.Credentials
	return credentials.NewStaticCredentialsProvider(*c.AccessKeyId, *c.SecretAccessKey, *c.SessionToken), nil
}

// jobAttempt is a job that must be refused.
type jobAttempt struct{ attempt, org, principal, role string }

// jobRefused runs a job that reads acme's bucket by the role.
func (d *demo) jobRefused(ctx context.Context, try jobAttempt) error {
	text, err := json.Marshal(map[string]any{
		"region": "aws:" + d.Region,
		"tasks": []any{map[string]any{"tool": rolecall.StorageGet, "parameters": map[string]any{
			"location": "s3://" + d.Masters + "/in/", "files": []string{"**"}, "role_arn": try.role,
		}}},
	})
	if err != nil {
		return err
	}
	plan, err := d.readPlan(text, try.org, try.principal)
	if err != nil {
		return err
	}
	report, err := d.run(ctx, plan, nil)
	if err != nil {
		return err
	}
	d.expect(report.Tasks[0].Files == 0 && report.Tasks[0].Bytes == 0, try.attempt+": yet something moved")
	d.refusal(try.attempt, "rolecall", report.Errors.Err())
	return nil
}

// keyRefused reads outside the prefix with the session of the job. Before that
// it checks that the session can read in the prefix, and that the role alone
// can read outside it: so it is the session policy that refuses.
func (d *demo) keyRefused(ctx context.Context, role string) error {
	var job credential.Role
	for _, e := range d.vaultLog.byRole(role) {
		if e.Kind == credential.EventAssume {
			job = credential.Role{
				Organization: e.Organization, Principal: e.Principal, RoleARN: role, ExternalID: d.AcmeID,
				JobID: d.story.Job.ID, Policy: e.Policy, Duration: e.Duration, Region: d.plan.Region, Revision: d.plan.Steps[0].Place.Revision,
			}
		}
	}
	before := len(d.vaultLog.byRole(role))
	session := d.s3(d.worker.Access(job.Organization).Vault.Role(job))
	d.expect(d.read(ctx, session, "in/metropolis.mov") == nil, "the job's session does not read in its prefix")
	alone, err := d.assume(ctx, role, &d.AcmeID)
	if err != nil {
		return fmt.Errorf("assume %s: %w", role, err)
	}
	d.expect(d.read(ctx, d.s3(alone), outsideKey) == nil, "the role without a session policy does not read beside the prefix")
	d.refusal("the job's session reads "+outsideKey+", which the role alone could", "S3", d.read(ctx, session, outsideKey))
	d.expect(len(d.vaultLog.byRole(role)) == before, "the job's session was not at hand any more")
	return nil
}

func (d *demo) read(ctx context.Context, by *s3.Client, key string) error {
	object, err := by.GetObject(ctx, &s3.GetObjectInput{Bucket: &d.Masters, Key: &key, Range: aws.String("bytes=0-15")})
	if err != nil {
		return err
	}
	return object.Body.Close()
}

// refusal records the answer to an attempt, which must be a refusal.
func (d *demo) refusal(attempt, by string, err error) {
	r := Refusal{Attempt: attempt, By: by, Code: "none", Answer: "allowed"}
	answer, answered := awscode.Read(err)
	var own rolecall.Errors
	switch {
	case errors.As(err, &own):
		r.Code = string(own[0].Code)
		r.Answer, _, _ = strings.Cut(own[0].Message, "; ") // what may be at fault is no part of the story
		r.Refused = !slices.ContainsFunc(own, func(e *rolecall.Error) bool { return e.Code != rolecall.Forbidden })
	case answered:
		r.Code, r.Answer = answer.Code, answer.Text
		r.Refused = answer.Meaning == awscode.Denied
	case err != nil:
		r.Code, r.Answer = "unknown", "no answer"
	}
	d.story.Refusals = append(d.story.Refusals, r)
	d.expect(r.Refused, attempt+": not refused")
}
