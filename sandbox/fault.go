package sandbox

import (
	"math/rand/v2"
	"net/http"
	"sync"
	"time"

	"github.com/rolecall/rolecall/policy"
	"github.com/rolecall/rolecall/sandbox/internal/s3"
)

// Fault makes the requests that it matches go wrong. An empty Service,
// Operation or Bucket matches all. Of several faults that hit a request only
// the first counts.
type Fault struct {
	Service   string `json:"service"`   // s3, sts, kms or iam
	Operation string `json:"operation"` // "PutObject", "AssumeRole"
	Bucket    string `json:"bucket"`    // of S3's operations

	// What happens; at least one is set. A delay comes first.
	Error  string   `json:"error"`  // AWS's code, or throttle, internal, unavailable
	Status int      `json:"status"` // of Error, instead of its usual one
	Delay  Duration `json:"delay"`
	// The connection is cut after this many bytes of a body were sent or
	// received.
	CutResponseAfter *int64 `json:"cut_response_after"`
	CutRequestAfter  *int64 `json:"cut_request_after"`
	// Sessions that the request begins expire after this time, whatever their
	// Expiration says.
	ExpireAfter Duration `json:"expire_after"`
	// Sessions that the request begins last this long, and their Expiration
	// says so.
	Lifetime Duration `json:"lifetime"`

	// When: the first After matching requests pass, then each is hit with the
	// probability Rate (1 if nil), at most Times times (0: no limit).
	Rate  *float64 `json:"rate"`
	After int      `json:"after"`
	Times int      `json:"times"`
}

// faults decides which fault, if any, hits a request.
type faults struct {
	mu   sync.Mutex
	list []*faultState
}

type faultState struct {
	Fault
	random         *rand.Rand
	matched, fired int
}

func newFaults(list []Fault, seed int64) *faults {
	f := &faults{}
	for i, one := range list {
		// Each has its own random numbers, so that one does not change
		// another's.
		source := rand.NewPCG(uint64(seed), uint64(i))
		f.list = append(f.list, &faultState{Fault: one, random: rand.New(source)})
	}
	return f
}

// hit returns the fault that hits a request, or nil.
func (f *faults) hit(service, operation, bucket string) *Fault {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, a := range f.list {
		if a.matches(service, operation, bucket) && a.fires() {
			return &a.Fault
		}
	}
	return nil
}

func (a *faultState) matches(service, operation, bucket string) bool {
	return (a.Service == "" || a.Service == service) &&
		(a.Operation == "" || a.Operation == operation) &&
		(a.Bucket == "" || a.Bucket == bucket)
}

func (a *faultState) fires() bool {
	a.matched++
	if a.matched <= a.After || a.Times > 0 && a.fired >= a.Times {
		return false
	}
	if a.Rate != nil && a.random.Float64() >= *a.Rate {
		return false
	}
	a.fired++
	return true
}

// failure is an error's code, status and message at one service.
type failure struct {
	code    string
	status  int
	message string
}

// generic lists the failures that every service has, by service and then by
// the word in the config.
// https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html
// https://docs.aws.amazon.com/STS/latest/APIReference/CommonErrors.html
var generic = map[string]map[string]failure{
	"s3": {
		"throttle":    {"SlowDown", 503, "Please reduce your request rate."},
		"internal":    {"InternalError", 500, "We encountered an internal error. Please try again."},
		"unavailable": {"ServiceUnavailable", 503, "Service is unable to handle request."},
	},
	"sts": {
		"throttle":    {"Throttling", 400, "Rate exceeded"},
		"internal":    {"InternalFailure", 500, "The request processing has failed because of an unknown error, exception or failure."},
		"unavailable": {"ServiceUnavailable", 503, "The request has failed due to a temporary failure of the server."},
	},
	"iam": {
		"throttle":    {"Throttling", 400, "Rate exceeded"},
		"internal":    {"ServiceFailure", 500, "The request processing has failed because of an unknown error, exception or failure."},
		"unavailable": {"ServiceUnavailable", 503, "The request has failed due to a temporary failure of the server."},
	},
	"kms": {
		"throttle":    {"ThrottlingException", 400, "Rate exceeded"},
		"internal":    {"KMSInternalException", 500, "The request was rejected because an internal exception occurred."},
		"unavailable": {"DependencyTimeoutException", 503, "The system timed out while trying to fulfill the request."},
	},
}

// statuses has the status of the codes that configs use most; all others are
// 400.
var statuses = map[string]int{
	"AccessDenied": 403, "InvalidAccessKeyId": 403, "SignatureDoesNotMatch": 403, "RequestTimeTooSkewed": 403,
	"InvalidObjectState": 403, "NoSuchBucket": 404, "NoSuchKey": 404, "NoSuchUpload": 404,
	"OperationAborted": 409, "ConditionalRequestConflict": 409, "PreconditionFailed": 412,
	"RequestTimeout": 400, "InternalError": 500, "ServiceUnavailable": 503, "SlowDown": 503,
	"Throttling": 400, "RequestLimitExceeded": 503, "RegionDisabledException": 403, "InternalFailure": 500, "NotImplemented": 501,
}

// failsLate lists the operations that S3 may answer with status 200 before
// they fail: the error is then in the body.
// https://docs.aws.amazon.com/AmazonS3/latest/API/API_CopyObject.html
var failsLate = []string{"CompleteMultipartUpload", "CopyObject", "UploadPartCopy"}

// failure returns the fault's error at a service.
func (f *Fault) failure(service string) failure {
	out, ok := generic[service][f.Error]
	if !ok {
		// A code of AWS's, not one of our words.
		out = failure{code: f.Error, status: 400, message: "injected by the sandbox's configuration"}
		if status := statuses[f.Error]; status != 0 {
			out.status = status
		}
		for _, known := range generic[service] {
			if known.code == f.Error {
				out = known
			}
		}
	}
	if f.Status != 0 {
		out.status = f.Status
	}
	return out
}

// wait waits for the fault's delay. It reports false if the client or the
// server closed first.
func (f *Fault) wait(gone, closing <-chan struct{}) bool {
	if f.Delay == 0 {
		return true
	}
	timer := time.NewTimer(time.Duration(f.Delay))
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-gone:
	case <-closing:
	}
	return false
}

// inject makes a fault happen. It reports whether it answered the request.
func (s *Server) inject(c *call, out *recorder, r *http.Request) bool {
	if !c.fault.wait(r.Context().Done(), s.closing) {
		out.cut = true
		return true
	}
	if n := c.fault.CutResponseAfter; n != nil {
		out.limited, out.left = true, *n
	}
	if n := c.fault.CutRequestAfter; n != nil {
		r.Body = &cutBody{ReadCloser: r.Body, left: *n, out: out}
	}
	if c.fault.Error == "" {
		return false
	}
	f := c.fault.failure(c.service)
	if f.code == "AccessDenied" {
		f.message = c.deniedByFault(r)
	}
	c.fail(out, r, f)
	return true
}

// deniedByFault returns the message for an outsider, as while a permission has
// not propagated yet.
func (c *call) deniedByFault(r *http.Request) string {
	if c.service == "s3" {
		return policy.Denial{}.String()
	}
	return policy.Denial{Principal: c.caller.arn, Action: c.service + ":" + c.operation, Resource: cut(r.Form.Get("RoleArn"))}.String()
}

// fail answers with a failure in the service's form.
func (c *call) fail(w http.ResponseWriter, r *http.Request, f failure) {
	c.event.ErrorCode = f.code
	switch c.service {
	case "s3":
		s3.WriteError(w, r, &s3.Error{Status: f.status, Code: f.code, Message: f.message})
	case "kms":
		c.failKMS(w, &serviceError{f.status, f.code, f.message})
	default:
		c.failQuery(w, &serviceError{f.status, f.code, f.message})
	}
}
