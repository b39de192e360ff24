package sandbox

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
)

func TestKeysThatDoNotServe(t *testing.T) {
	t.Parallel()
	w := loaded(t, func(cfg *Config) {
		cfg.Accounts["111122223333"].Keys["doomed"] = &Key{Region: "eu-central-1", State: "PendingDeletion"}
	}, Options{})
	admin := keysOf("admin")
	client := w.s3(admin, "eu-central-1")
	write := func(key string) error {
		_, err := client.PutObject(t.Context(), &s3.PutObjectInput{
			Bucket: aws.String("acme-masters"), Key: aws.String("k"), ServerSideEncryption: "aws:kms", SSEKMSKeyId: &key,
		})
		return err
	}
	state := func(key string) any {
		_, out := w.kms(t, admin, "DescribeKey", input{"KeyId": key})
		metadata, _ := out["KeyMetadata"].(map[string]any)
		return metadata["KeyState"]
	}
	const open, doomed = "arn:aws:kms:eu-central-1:111122223333:key/open", "arn:aws:kms:eu-central-1:111122223333:key/doomed"
	for _, c := range []struct {
		operation, key, code string
		keys                 keys
		state                string // after the call
		use                  string // S3's code then
	}{
		{"DisableKey", open, "", admin, "Disabled", "KMS.DisabledException"},
		{"CancelKeyDeletion", open, "KMSInvalidStateException", admin, "Disabled", "KMS.DisabledException"},
		{"EnableKey", open, "AccessDeniedException", keysOf("nobody"), "Disabled", "KMS.DisabledException"},
		{"EnableKey", open, "AccessDeniedException", keysOf("partner"), "Disabled", "KMS.DisabledException"},
		{"EnableKey", open, "", admin, "Enabled", ""},
		{"EnableKey", doomed, "KMSInvalidStateException", admin, "PendingDeletion", "KMS.KMSInvalidStateException"},
		{"DisableKey", doomed, "KMSInvalidStateException", admin, "PendingDeletion", "KMS.KMSInvalidStateException"},
		{"CancelKeyDeletion", doomed, "", admin, "Disabled", "KMS.DisabledException"},
		{"EnableKey", doomed, "", admin, "Enabled", ""},
		{"ScheduleKeyDeletion", doomed, "AccessDeniedException", keysOf("nobody"), "Enabled", ""},
		{"ScheduleKeyDeletion", doomed, "", admin, "PendingDeletion", "KMS.KMSInvalidStateException"},
		{"ScheduleKeyDeletion", doomed, "KMSInvalidStateException", admin, "PendingDeletion", "KMS.KMSInvalidStateException"},
		{"DisableKey", "alias/aws/s3", "AccessDeniedException", admin, "Enabled", ""},
	} {
		_, out := w.kms(t, c.keys, c.operation, input{"KeyId": c.key})
		if got, _ := out["__type"].(string); got != c.code {
			t.Errorf("%s %s: %v, want %q", c.operation, c.key, out, c.code)
		}
		if got := state(c.key); got != c.state {
			t.Errorf("%s %s leaves the state %v, want %s", c.operation, c.key, got, c.state)
		}
		wants(t, write(c.key), c.use, "")
	}
}

func TestWindowOfAKeysDeletion(t *testing.T) {
	t.Parallel()
	w := loaded(t, nil, Options{})
	for _, days := range []int{6, 31} {
		if _, out := w.kms(t, keysOf("admin"), "ScheduleKeyDeletion", input{"KeyId": "open", "PendingWindowInDays": days}); out["__type"] != "ValidationException" {
			t.Errorf("%d days: %v", days, out)
		}
	}
	if _, out := w.kms(t, keysOf("admin"), "ScheduleKeyDeletion", input{"KeyId": "open", "PendingWindowInDays": 7}); out["KeyState"] != "PendingDeletion" || out["PendingWindowInDays"] != 7.0 {
		t.Errorf("7 days: %v", out)
	}
}

func TestStateOfAKeyIsToldToThoseWhoMayUseIt(t *testing.T) {
	t.Parallel()
	w := loaded(t, func(cfg *Config) { cfg.Accounts["111122223333"].Keys["open"].State = "Disabled" }, Options{})
	wants(t, put(t.Context(), w.s3(keysOf("admin"), "eu-central-1"), "acme-open", "k", "x"), "KMS.DisabledException", "arn:aws:kms:eu-central-1:111122223333:key/open is disabled.")
	wants(t, put(t.Context(), w.s3(keysOf("keyless"), "eu-central-1"), "acme-open", "k", "x"), "AccessDenied", "kms:GenerateDataKey")
}
