package credential

import (
	"context"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/middleware"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"github.com/rolecall/rolecall"
)

// session is what AssumeRole gives.
type session struct {
	credentials aws.Credentials
	roleID      string // the role's unique id
	duration    time.Duration
}

// assume assumes the role for work. Where STS grants no session as long as
// asked (the role has a maximum, a chained session the cap of one hour) it
// asks for an hour, and does so from then on.
func (v *Vault) assume(ctx context.Context, r Role, p Principal) (session, error) {
	known := durationKey{r.Principal, r.RoleARN}
	duration := r.duration()
	v.mu.Lock()
	if granted, ok := v.durations[known]; ok {
		duration = min(duration, granted)
	}
	v.mu.Unlock()
	s, err := v.call(ctx, r, p, aws.String(r.ExternalID), r.Policy, duration)
	if durationRefused(err) && duration > rolecall.DefaultSessionDuration {
		v.options.Log.WarnContext(ctx, "role grants no session as long as asked, using an hour",
			"org", r.Organization, "job", r.JobID, "role", r.RoleARN, "asked", duration)
		duration = rolecall.DefaultSessionDuration
		s, err = v.call(ctx, r, p, aws.String(r.ExternalID), r.Policy, duration)
		if err == nil {
			v.mu.Lock()
			v.durations[known] = duration
			v.mu.Unlock()
		}
	}
	if err != nil {
		return session{}, explained(err, r, p)
	}
	return s, nil
}

// call makes one AssumeRole call. Its errors are the SDK's, or say what is
// wrong with the principal's own keys.
func (v *Vault) call(ctx context.Context, r Role, p Principal, externalID *string, policy []byte, duration time.Duration) (session, error) {
	in := &sts.AssumeRoleInput{
		RoleArn:         aws.String(r.RoleARN),
		RoleSessionName: aws.String(r.SessionName()),
		ExternalId:      externalID,
		DurationSeconds: aws.Int32(int32(duration / time.Second)),
	}
	if len(policy) > 0 {
		in.Policy = aws.String(string(policy))
	}
	own, err := v.own(ctx, r, p)
	if err != nil {
		return session{}, err
	}
	out, err := v.client(r, p).AssumeRole(ctx, in, with(own), func(o *sts.Options) {
		if r.TaskLabel != "" {
			o.APIOptions = append(o.APIOptions, middleware.AddUserAgentKeyValue("rolecall", r.TaskLabel))
		}
	})
	if err != nil {
		return session{}, err
	}
	if out.Credentials == nil || out.AssumedRoleUser == nil {
		return session{}, errIncomplete
	}
	roleID, _, _ := strings.Cut(aws.ToString(out.AssumedRoleUser.AssumedRoleId), ":")
	c := out.Credentials
	credentials := aws.Credentials{
		AccessKeyID: aws.ToString(c.AccessKeyId), SecretAccessKey: aws.ToString(c.SecretAccessKey), SessionToken: aws.ToString(c.SessionToken),
		Source: "rolecall", CanExpire: true, Expires: aws.ToTime(c.Expiration), AccountID: accountOf(aws.ToString(out.AssumedRoleUser.Arn)),
	}
	if roleID == "" || !credentials.HasKeys() || credentials.SessionToken == "" || c.Expiration == nil {
		return session{}, errIncomplete
	}
	return session{credentials: credentials, roleID: roleID, duration: duration}, nil
}

func accountOf(arn string) string {
	a, _ := rolecall.ParseARN(arn)
	return a.Account
}

// client gives the STS client of the region for a principal's calls: always
// regional, since tokens of the global endpoint do not work everywhere. Each
// call brings its own keys.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_temp_enable-regions.html
func (v *Vault) client(r Role, p Principal) *sts.Client {
	region := regionFor(r.Region, p.Principal)
	v.mu.Lock()
	defer v.mu.Unlock()
	if c := v.clients[region]; c != nil {
		return c
	}
	c := newSTS(region, v.options.STSEndpoint, v.options.HTTPClient, aws.AnonymousCredentials{})
	v.clients[region] = c
	return c
}
