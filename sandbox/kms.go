package sandbox

import (
	"encoding/json"
	"io"
	"net/http"
	"strings"

	"github.com/rolecall/rolecall"
)

const kmsTarget = "TrentService."

// kmsOperation returns the operation of a KMS request, by its target header.
func kmsOperation(r *http.Request) (string, bool) {
	return strings.CutPrefix(r.Header.Get("X-Amz-Target"), kmsTarget)
}

// kmsInput holds the parameters of all operations.
type kmsInput struct {
	KeyID       string `json:"KeyId"`
	Description string
	Policy      string
	PolicyName  string
	Bypass      bool `json:"BypassPolicyLockoutSafetyCheck"`
	KeyUsage    string
	KeySpec     string
	Origin      string
	MultiRegion bool
	Window      *int `json:"PendingWindowInDays"`
	Tags        []json.RawMessage
}

var kmsOperations = map[string]func(*Server, *call, kmsInput) (any, *serviceError){
	"CancelKeyDeletion":   (*Server).cancelKeyDeletion,
	"CreateKey":           (*Server).createKey,
	"DescribeKey":         (*Server).describeKey,
	"DisableKey":          (*Server).disableKey,
	"EnableKey":           (*Server).enableKey,
	"GetKeyPolicy":        (*Server).getKeyPolicy,
	"PutKeyPolicy":        (*Server).putKeyPolicy,
	"ScheduleKeyDeletion": (*Server).scheduleKeyDeletion,
}

// serveKMS answers calls about keys and their policies; S3 uses keys without
// it.
func (s *Server) serveKMS(c *call, w http.ResponseWriter, r *http.Request) {
	result, fail := s.doKMS(c, r)
	if fail != nil {
		c.failKMS(w, fail)
		return
	}
	c.writeJSON(w, http.StatusOK, result)
}

func (s *Server) doKMS(c *call, r *http.Request) (any, *serviceError) {
	if c.caller.anonymous() {
		return nil, badKMS("MissingAuthenticationTokenException", "Missing Authentication Token")
	}
	do := kmsOperations[c.operation]
	if do == nil {
		return nil, badKMS("UnknownOperationException", "")
	}
	var in kmsInput
	data, err := io.ReadAll(io.LimitReader(r.Body, 256<<10))
	if err != nil || json.Unmarshal(data, &in) != nil {
		return nil, badKMS("SerializationException", "the input is not JSON")
	}
	return do(s, c, in)
}

// badKMS returns an error of KMS, which has one status for nearly all.
func badKMS(code, message string) *serviceError {
	return &serviceError{http.StatusBadRequest, code, message}
}

// authorizedKey finds a key by its id or ARN, if the caller may do the call's
// operation on it.
func (s *Server) authorizedKey(c *call, id string) (*key, *serviceError) {
	if !strings.HasPrefix(id, "arn:") {
		resource := "key/" + id
		if strings.HasPrefix(id, "alias/") {
			resource = id
		}
		id = rolecall.ARN{Partition: c.caller.account.partition, Service: "kms", Region: c.region, Account: c.caller.account.id, Resource: resource}.String()
	}
	c.event.Resource = cut(id)
	arn, err := rolecall.ParseARN(id)
	if err != nil || arn.Region != c.region {
		return nil, badKMS("NotFoundException", "Invalid keyId "+cut(id))
	}
	k := s.directory.key(arn)
	if k == nil && arn.Account == c.caller.account.id {
		return nil, badKMS("NotFoundException", "Key '"+id+"' does not exist")
	}
	if d := c.judgeKey(s.keyQuestion(c, k, "kms:"+c.operation, arn)); d != nil {
		return nil, badKMS("AccessDeniedException", d.String())
	}
	return k, nil
}

func (s *Server) describeKey(c *call, in kmsInput) (any, *serviceError) {
	k, fail := s.authorizedKey(c, in.KeyID)
	if fail != nil {
		return nil, fail
	}
	return k.metadata(), nil
}

func (k *key) metadata() any {
	manager := "CUSTOMER"
	if k.managed {
		manager = "AWS"
	}
	return map[string]any{"KeyMetadata": map[string]any{
		"AWSAccountId": k.arn.Account, "KeyId": strings.TrimPrefix(k.arn.Resource, "key/"), "Arn": k.arn.String(),
		"Enabled": k.state == stateEnabled, "KeyState": k.state, "KeyUsage": "ENCRYPT_DECRYPT", "KeySpec": "SYMMETRIC_DEFAULT",
		"KeyManager": manager, "Origin": "AWS_KMS", "MultiRegion": false,
	}}
}

func (c *call) failKMS(w http.ResponseWriter, e *serviceError) {
	c.event.ErrorCode = e.code
	c.writeJSON(w, e.status, map[string]any{"__type": e.code, "message": e.message})
}

func (c *call) writeJSON(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/x-amz-json-1.1")
	w.Header().Set("X-Amzn-Requestid", c.id)
	w.WriteHeader(status)
	json.NewEncoder(w).Encode(v) //nolint:errcheck,errchkjson // the client is gone
}
