package vend

import (
	"encoding/json"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
)

// Process returns credentials in the form of the SDKs' credential_process, on
// one line.
// https://docs.aws.amazon.com/sdkref/latest/guide/feature-process-credentials.html
func Process(c aws.Credentials) ([]byte, error) {
	return json.Marshal(struct {
		Version         int
		AccessKeyID     string `json:"AccessKeyId"`
		SecretAccessKey string
		SessionToken    string
		Expiration      string
		AccountID       string `json:"AccountId,omitempty"`
	}{1, c.AccessKeyID, c.SecretAccessKey, c.SessionToken, expiration(c), c.AccountID})
}

// Container returns credentials in the form of the SDKs' container provider.
// https://docs.aws.amazon.com/sdkref/latest/guide/feature-container-credentials.html
func Container(c aws.Credentials) ([]byte, error) {
	return json.Marshal(struct {
		AccessKeyID     string `json:"AccessKeyId"`
		SecretAccessKey string
		Token           string
		Expiration      string
		AccountID       string `json:"AccountId,omitempty"`
	}{c.AccessKeyID, c.SecretAccessKey, c.SessionToken, expiration(c), c.AccountID})
}

func expiration(c aws.Credentials) string { return c.Expires.UTC().Format(time.RFC3339) }
