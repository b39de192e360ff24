package sandboxtest

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"

	"github.com/rolecall/rolecall/sandbox"
)

// StorePolicy stores a policy by the call of AWS's that puts it where it belongs:
// PutBucketPolicy on a bucket, PutKeyPolicy on a key's id in eu-central-1,
// UpdateAssumeRolePolicy or PutRolePolicy on a role. The error has what the sandbox
// answered where it refuses.
func StorePolicy(t testing.TB, server *sandbox.Server, keys aws.Credentials, call, name, document string) error {
	t.Helper()
	method, target, service, region, body := http.MethodPost, server.URL, "iam", "us-east-1", ""
	header := http.Header{}
	switch call {
	case "PutBucketPolicy":
		method, target, service, region, body = http.MethodPut, server.URL+"/"+name+"?policy=", "s3", "eu-central-1", document
	case "PutKeyPolicy":
		text, err := json.Marshal(map[string]string{"KeyId": name, "PolicyName": "default", "Policy": document})
		if err != nil {
			t.Fatal(err)
		}
		service, region, body = "kms", "eu-central-1", string(text)
		header.Set("X-Amz-Target", "TrentService.PutKeyPolicy")
		header.Set("Content-Type", "application/x-amz-json-1.1")
	default:
		body = url.Values{"Action": {call}, "Version": {"2010-05-08"}, "RoleName": {name}, "PolicyName": {"stored"}, "PolicyDocument": {document}}.Encode()
		header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	req, err := http.NewRequestWithContext(t.Context(), method, target, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256([]byte(body))
	req.Header = header
	req.Header.Set("X-Amz-Content-Sha256", hex.EncodeToString(sum[:]))
	if err := v4.NewSigner().SignHTTP(t.Context(), keys, req, hex.EncodeToString(sum[:]), service, region, time.Now()); err != nil {
		t.Fatal(err)
	}
	answer, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = answer.Body.Close() }()
	if answer.StatusCode < http.StatusMultipleChoices {
		return nil
	}
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return fmt.Errorf("%s: %s", call, text)
}
