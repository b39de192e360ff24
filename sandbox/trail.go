package sandbox

import (
	"sync"
	"time"
)

// Event is one request in the trail, as CloudTrail records it. Secrets, tokens
// and external ids are not in it.
type Event struct {
	Time        time.Time `json:"time"`
	RequestID   string    `json:"request_id"`
	Service     string    `json:"service"`
	Operation   string    `json:"operation"`
	Region      string    `json:"region,omitempty"`
	Caller      string    `json:"caller,omitempty"` // ARN; empty when not authenticated
	AccessKeyID string    `json:"access_key_id,omitempty"`
	SessionName string    `json:"session_name,omitempty"` // of the caller
	SourceIP    string    `json:"source_ip,omitempty"`
	UserAgent   string    `json:"user_agent,omitempty"`
	Resource    string    `json:"resource,omitempty"` // the first that was evaluated
	Status      int       `json:"status"`             // zero when the connection was cut
	ErrorCode   string    `json:"error_code,omitempty"`

	AssumeRole *AssumeRoleEvent `json:"assume_role,omitempty"`
}

// AssumeRoleEvent is what an AssumeRole asked for, and the access key that it
// returned.
type AssumeRoleEvent struct {
	SessionName   string `json:"session_name"`
	SessionPolicy string `json:"session_policy,omitempty"`
	Duration      int    `json:"duration_seconds"`
	HasExternalID bool   `json:"has_external_id"`
	AccessKeyID   string `json:"access_key_id,omitempty"`
}

// defaultTrail is how many events are kept by default.
const defaultTrail = 10_000

// trail keeps the last events in a ring.
type trail struct {
	mu    sync.Mutex
	ring  []Event
	next  int
	limit int
}

func (t *trail) add(e Event) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.ring) < t.limit {
		t.ring = append(t.ring, e)
		return
	}
	t.ring[t.next] = e
	t.next = (t.next + 1) % t.limit
}

func (t *trail) events() []Event {
	t.mu.Lock()
	defer t.mu.Unlock()
	return append(append(make([]Event, 0, len(t.ring)), t.ring[t.next:]...), t.ring[:t.next]...)
}
