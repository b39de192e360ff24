package vend

import (
	"context"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// issuer is a cached provider whose sessions are valid for life.
type issuer struct {
	now func() time.Time

	mu     sync.Mutex
	life   time.Duration
	err    error
	held   aws.Credentials
	asked  int
	issued int
}

func (i *issuer) Retrieve(context.Context) (aws.Credentials, error) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.asked++
	if i.err != nil {
		return aws.Credentials{}, i.err
	}
	if !i.held.HasKeys() || !i.now().Before(i.held.Expires) {
		i.issued++
		n := strconv.Itoa(i.issued)
		i.held = aws.Credentials{
			AccessKeyID: "ASIA" + n, SecretAccessKey: "secret-" + n, SessionToken: "token-" + n,
			CanExpire: true, Expires: i.now().Add(i.life).UTC(), AccountID: "111122223333",
		}
	}
	return i.held, nil
}

func (i *issuer) Invalidate(c aws.Credentials) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.held.AccessKeyID == c.AccessKeyID {
		i.held = aws.Credentials{}
	}
}

func (i *issuer) fail(err error) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.err = err
}
