package check

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"github.com/rolecall/rolecall"
	"github.com/rolecall/rolecall/internal/awscode"
	"github.com/rolecall/rolecall/internal/refusal"
)

// clock asks STS, without credentials, by how much the clock here is ahead;
// zero where it does not say.
func (w *work) clock(ctx context.Context) time.Duration {
	endpoint := w.STSEndpoint
	if endpoint == "" {
		resolved, err := sts.NewDefaultEndpointResolverV2().ResolveEndpoint(ctx, sts.EndpointParameters{
			Region: aws.String(w.role().Region), UseDualStack: aws.Bool(false), UseFIPS: aws.Bool(false), UseGlobalEndpoint: aws.Bool(false),
		})
		if err != nil {
			return 0
		}
		endpoint = resolved.URI.String()
	}
	ctx, cancel := context.WithTimeout(ctx, clockTimeout)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodHead, endpoint, http.NoBody)
	if err != nil {
		return 0
	}
	answer, err := w.Clients.Operator.Do(request)
	if err != nil {
		return 0
	}
	_ = answer.Body.Close() // HEAD has none
	ahead, _ := refusal.AheadOf(answer.Header)
	return ahead
}

const clockTimeout = 10 * time.Second

func (w *work) wrongClock(skew time.Duration) finding {
	r, _ := refusal.Answer{Answer: awscode.Answer{Meaning: awscode.Clock}}.To(refusal.Request{})
	f := w.found(r, "")
	if skew.Abs() >= refusal.WrongBy { // else the answer came from somebody between, or says what it likes
		how := "ahead"
		if skew < 0 {
			how, skew = "behind", -skew
		}
		f.message = fmt.Sprintf("the clock of the worker is wrong: %s %s", long(skew.Round(time.Minute)), how)
	}
	f.patches = []rolecall.Patch{{Document: documentSetting, Target: w.Principal.ARN.String(), Commands: []string{"timedatectl set-ntp true"}}}
	return f
}
