package credential

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/rolecall/rolecall"
)

// quotas bound what one organization's jobs make a principal ask of STS, whose
// limit of calls is one for all customers: they prove one role or dispenser at a
// time, and only so many in an hour that have no verdict. Renewals are not
// counted, nor are checks of what the operator declared. The zero value is ready.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
type quotas struct {
	mu     sync.Mutex
	shares map[share]*quota
}

type share struct{ organization, principal string }

type quota struct {
	turn  chan struct{}        // full while a proof is under way
	begun map[string]time.Time // when each without a verdict was last proved, by digest
}

const (
	newRoles    = 20 // in quotaPeriod
	quotaPeriod = time.Hour
)

func (q *quotas) of(s Subject) *quota {
	q.mu.Lock()
	defer q.mu.Unlock()
	at := share{s.Organization, s.Principal}
	if q.shares == nil {
		q.shares = map[share]*quota{}
	}
	if q.shares[at] == nil {
		q.shares[at] = &quota{turn: make(chan struct{}, 1), begun: map[string]time.Time{}}
	}
	return q.shares[at]
}

// count counts a subject that has no verdict, and returns an error where there
// were too many before it.
func (q *quotas) count(s Subject, most int, now time.Time) error {
	mine := q.of(s)
	q.mu.Lock()
	defer q.mu.Unlock()
	for digest, begun := range mine.begun {
		if since := now.Sub(begun); since < 0 || since >= quotaPeriod {
			delete(mine.begun, digest)
		}
	}
	if _, known := mine.begun[s.Digest()]; !known && len(mine.begun) >= most {
		return &rolecall.Error{
			Code: rolecall.Unavailable, Message: fmt.Sprintf("%s is not proved now: this organization may use and check %d roles and dispensers in an hour that have not passed their probes", s, most),
			Hint: "Operator: declare it as a connection and run rolecall check --all, which is not limited. You: use fewer roles in one run, or wait an hour",
		}
	}
	mine.begun[s.Digest()] = now
	return nil
}

// turn waits until no other proof of the subject's organization and principal is
// under way. The function that it returns must be called after the proof.
func (q *quotas) turn(ctx context.Context, s Subject) (func(), error) {
	mine := q.of(s)
	select {
	case mine.turn <- struct{}{}:
		return func() { <-mine.turn }, nil
	case <-ctx.Done():
		if errors.Is(ctx.Err(), context.Canceled) {
			return nil, ctx.Err()
		}
		return nil, &rolecall.Error{
			Code: rolecall.Unavailable, Message: fmt.Sprintf("%s is not proved yet: other roles of this organization are, one after the other", s),
			Hint: "You: run the job again later; roles that were proved meanwhile need not wait", Err: ctx.Err(),
		}
	}
}
