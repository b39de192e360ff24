package credential

import (
	"context"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"github.com/rolecall/rolecall"
)

// session is what AssumeRole returns.
type session struct {
	credentials aws.Credentials
	roleID      string // the role's unique id
	duration    time.Duration
}

// assume assumes the role for work. Where STS grants no session as long as
// asked (the role has a maximum, a chained session the cap of one hour) it
// asks for an hour, and does so from then on.
func (v *Vault) assume(ctx context.Context, t roleTarget) (session, error) {
	known := durationKey{t.Role.Principal, t.RoleARN}
	duration := t.duration()
	v.mu.Lock()
	if granted, ok := v.durations[known]; ok {
		duration = min(duration, granted)
	}
	v.mu.Unlock()
	s, err := v.callAssumeRole(ctx, t, aws.String(t.ExternalID), t.Policy, duration)
	if durationRefused(err) && duration > rolecall.DefaultSessionDuration {
		v.options.Log.WarnContext(ctx, "role grants no session as long as asked, using an hour",
			"org", t.Organization, "job", t.JobID, "role", t.RoleARN, "asked", duration)
		duration = rolecall.DefaultSessionDuration
		s, err = v.callAssumeRole(ctx, t, aws.String(t.ExternalID), t.Policy, duration)
		if err == nil {
			v.mu.Lock()
			v.durations[known] = duration
			v.mu.Unlock()
		}
	}
	if err != nil {
		return session{}, explained(err, t.Role, t.principal)
	}
	return s, nil
}

// callAssumeRole makes one AssumeRole call. Its errors are the SDK's, or say
// what is wrong with the principal's own keys.
func (v *Vault) callAssumeRole(ctx context.Context, t roleTarget, externalID *string, policy []byte, duration time.Duration) (session, error) {
	in := &sts.AssumeRoleInput{
		RoleArn:         aws.String(t.RoleARN),
		RoleSessionName: aws.String(t.SessionName()),
		ExternalId:      externalID,
		DurationSeconds: aws.Int32(int32(duration / time.Second)),
	}
	if len(policy) > 0 {
		in.Policy = aws.String(string(policy))
	}
	keys, err := v.principalKeys(ctx, t.Role, t.principal)
	if err != nil {
		return session{}, err
	}
	out, err := v.stsClient(t.Region, t.principal).AssumeRole(ctx, in, v.withKeys(keys, t.Organization))
	if err != nil {
		return session{}, err
	}
	if out.Credentials == nil || out.AssumedRoleUser == nil {
		return session{}, errIncomplete
	}
	roleID, _, _ := strings.Cut(aws.ToString(out.AssumedRoleUser.AssumedRoleId), ":")
	user, _ := rolecall.ParseARN(aws.ToString(out.AssumedRoleUser.Arn))
	c := out.Credentials
	credentials := aws.Credentials{
		AccessKeyID: aws.ToString(c.AccessKeyId), SecretAccessKey: aws.ToString(c.SecretAccessKey), SessionToken: aws.ToString(c.SessionToken),
		Source: "rolecall", CanExpire: true, Expires: aws.ToTime(c.Expiration), AccountID: user.Account,
	}
	if roleID == "" || !credentials.HasKeys() || credentials.SessionToken == "" || c.Expiration == nil {
		return session{}, errIncomplete
	}
	return session{credentials: credentials, roleID: roleID, duration: duration}, nil
}
