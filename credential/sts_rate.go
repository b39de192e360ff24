package credential

import (
	"net/http"
	"sync"

	"github.com/aws/aws-sdk-go-v2/service/sts"
	"golang.org/x/time/rate"
)

// How many calls STS gets, attempts included. AWS allows 600 a second for each
// account and region, which all workers of a principal share. A proof makes
// sixteen, one after the other.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
const (
	callRate              = 200 // a second, of the vault
	callBurst             = 400
	organizationCallRate  = 40 // a second, for the work of one organization
	organizationCallBurst = 200
)

// callRates bound the calls to STS of all organizations, and of each.
type callRates struct {
	all *rate.Limiter

	mu   sync.Mutex
	each map[string]*rate.Limiter // by organization
}

func newCallRates() *callRates {
	return &callRates{all: rate.NewLimiter(callRate, callBurst), each: map[string]*rate.Limiter{}}
}

func (r *callRates) of(organization string) *rate.Limiter {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.each[organization] == nil {
		r.each[organization] = rate.NewLimiter(organizationCallRate, organizationCallBurst)
	}
	return r.each[organization]
}

// ratedClient sends the calls for one organization's work.
type ratedClient struct {
	next sts.HTTPClient
	mine *rate.Limiter
	all  *rate.Limiter
}

// Do waits until the call may be made, and makes it. Calls of an organization
// that makes too many wait for its own rate first, so that they keep nobody
// else's waiting.
func (c ratedClient) Do(req *http.Request) (*http.Response, error) {
	for _, limiter := range []*rate.Limiter{c.mine, c.all} {
		if err := limiter.Wait(req.Context()); err != nil {
			return nil, err
		}
	}
	return c.next.Do(req)
}
