package sandbox

import (
	"encoding/json"
	"io"
	"net/http"
	"strings"

	"github.com/rolecall/rolecall"
)

const kmsTarget = "TrentService."

// kmsOperation gives the operation of a KMS request, by its target header.
func kmsOperation(r *http.Request) (string, bool) {
	return strings.CutPrefix(r.Header.Get("X-Amz-Target"), kmsTarget)
}

// serveKMS answers DescribeKey, so that clients can see whether a key is there
// for them; S3 uses keys without going through here.
func (s *Server) serveKMS(c *call, w http.ResponseWriter, r *http.Request) {
	if c.caller.anonymous() {
		c.failKMS(w, &serviceError{http.StatusBadRequest, "MissingAuthenticationTokenException", "Missing Authentication Token"})
		return
	}
	if c.operation != "DescribeKey" {
		c.failKMS(w, &serviceError{http.StatusBadRequest, "UnknownOperationException", ""})
		return
	}
	var in struct {
		KeyID string `json:"KeyId"`
	}
	data, err := io.ReadAll(io.LimitReader(r.Body, 64<<10))
	if err != nil || json.Unmarshal(data, &in) != nil {
		c.failKMS(w, &serviceError{http.StatusBadRequest, "SerializationException", "the input is not JSON"})
		return
	}
	metadata, fail := s.describeKey(c, in.KeyID)
	if fail != nil {
		c.failKMS(w, fail)
		return
	}
	c.writeJSON(w, http.StatusOK, map[string]any{"KeyMetadata": metadata})
}

func (s *Server) describeKey(c *call, id string) (map[string]any, *serviceError) {
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
		return nil, &serviceError{http.StatusBadRequest, "NotFoundException", "Invalid keyId " + cut(id)}
	}
	k := s.directory.key(arn)
	if k == nil && arn.Account == c.caller.account.id {
		return nil, &serviceError{http.StatusBadRequest, "NotFoundException", "Key '" + id + "' does not exist"}
	}
	if d := c.judgeKey(s.keyQuestion(c, k, "kms:DescribeKey", arn)); d != nil {
		return nil, &serviceError{http.StatusBadRequest, "AccessDeniedException", d.String()}
	}
	manager := "CUSTOMER"
	if strings.HasPrefix(arn.Resource, "alias/") {
		manager = "AWS"
	}
	return map[string]any{
		"AWSAccountId": arn.Account, "KeyId": strings.TrimPrefix(arn.Resource, "key/"), "Arn": id,
		"Enabled": true, "KeyState": "Enabled", "KeyUsage": "ENCRYPT_DECRYPT", "KeySpec": "SYMMETRIC_DEFAULT",
		"KeyManager": manager, "Origin": "AWS_KMS", "MultiRegion": false,
	}, nil
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
