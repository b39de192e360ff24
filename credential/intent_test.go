package credential_test

import (
	"context"
	"errors"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/rolecall/rolecall"
	"github.com/rolecall/rolecall/credential"
)

// Each session for work, renewed ones and those of a diagnosis too, is known to
// Intent before STS is asked for it, and again before it is used. What Intent
// refuses is not asked for, or not used.
func TestIntentComesFirst(t *testing.T) {
	t.Parallel()
	for name, take := range map[string]func(b *bench) (aws.Credentials, error){
		"role": func(b *bench) (aws.Credentials, error) { return b.Role(acme()).Retrieve(t.Context()) },
		"try":  func(b *bench) (aws.Credentials, error) { return b.Try(t.Context(), acme()) },
	} {
		for refused := range 3 { // none, the one before, the one after
			var b *bench
			var keys []string
			full := errors.New("disk full")
			b = newBench(t, strict, func(o *credential.Options) {
				o.Intent = func(_ context.Context, e credential.Event) error {
					if e.Kind != credential.EventAssume || e.Organization != "acme" || e.RoleARN != mediaARN || e.SessionName != "acme.01JOB" || e.JobID != "01JOB" {
						t.Errorf("%s: %+v", name, e)
					}
					asked := len(b.sts.seen()) - provedWith
					if keys = append(keys, e.AccessKeyID); asked != len(keys)-1 || (e.AccessKeyID != "") != (asked == 1) {
						t.Errorf("%s: call %d of Intent after %d of STS, with key %q", name, len(keys), asked, e.AccessKeyID)
					}
					if len(keys) == refused {
						return &rolecall.Error{Code: rolecall.Unavailable, Message: "not recorded", Err: full}
					}
					return nil
				}
			})
			if _, err := b.Prove(t.Context(), acme()); err != nil {
				t.Fatal(err)
			}
			c, err := take(b)
			switch {
			case refused == 0 && (err != nil || len(keys) != 2 || keys[1] != c.AccessKeyID):
				t.Errorf("%s: %v, %v", name, keys, err)
			case refused > 0 && (!errors.Is(err, full) || rolecall.CodeOf(err) != rolecall.Unavailable || c.HasKeys() || len(b.sts.seen())-provedWith != refused-1):
				t.Errorf("%s, refused at %d: %v, %v", name, refused, c.HasKeys(), err)
			}
		}
	}
}
