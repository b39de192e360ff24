package s3

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	awss3 "github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
)

// What a bucket can have and the sandbox's never do is answered as S3 answers
// for a new bucket.
func TestWhatIsNotSet(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	seen := map[string]bool{}
	for subresource, want := range map[string]string{
		"abac": "<Status>Disabled</Status>", "accelerate": "AccelerateConfiguration", "logging": "BucketLoggingStatus", "notification": "NotificationConfiguration",
		"analytics": "<IsTruncated>false", "intelligent-tiering": "<IsTruncated>false", "inventory": "<IsTruncated>false", "metrics": "<IsTruncated>false",
		"analytics&id=1": "NoSuchConfiguration", "intelligent-tiering&id=1": "NoSuchConfiguration", "inventory&id=1": "NoSuchConfiguration", "metrics&id=1": "NoSuchConfiguration",
		"cors": "NoSuchCORSConfiguration", "lifecycle": "NoSuchLifecycleConfiguration", "replication": "ReplicationConfigurationNotFoundError",
		"tagging": "NoSuchTagSet", "website": "NoSuchWebsiteConfiguration", "publicAccessBlock": "NoSuchPublicAccessBlockConfiguration",
	} {
		status := http.StatusOK
		if strings.HasPrefix(want, "NoSuch") || strings.HasSuffix(want, "Error") {
			status, want = http.StatusNotFound, "<Code>"+want+"</Code>"
		}
		answer, body := w.do("GET", "/plain?"+subresource, "")
		if answer.StatusCode != status || !strings.Contains(body, want) {
			t.Errorf("%s: %d %s, want %d %s", subresource, answer.StatusCode, body, status, want)
		}
		r, err := http.NewRequestWithContext(t.Context(), "GET", w.url+"/plain?"+subresource, nil)
		if err != nil {
			t.Fatal(err)
		}
		operation := Operation(r)
		seen[operation] = true
		w.denying(unsetOperations[operation].action)
		if answer, body := w.do("GET", "/plain?"+subresource, ""); answer.StatusCode != http.StatusForbidden {
			t.Errorf("%s without %s: %d %s", subresource, unsetOperations[operation].action, answer.StatusCode, body)
		}
		w.denying()
	}
	for operation := range unsetOperations {
		if !seen[operation] {
			t.Errorf("%s is not tried", operation)
		}
	}
	// The SDK reads these documents.
	bucket := aws.String("plain")
	if out, err := w.client.GetBucketNotificationConfiguration(t.Context(), &awss3.GetBucketNotificationConfigurationInput{Bucket: bucket}); err != nil || len(out.TopicConfigurations) != 0 {
		t.Errorf("notifications: %v, %v", out, err)
	}
	if out, err := w.client.GetBucketLogging(t.Context(), &awss3.GetBucketLoggingInput{Bucket: bucket}); err != nil || out.LoggingEnabled != nil {
		t.Errorf("logging: %v, %v", out, err)
	}
	if out, err := w.client.ListBucketMetricsConfigurations(t.Context(), &awss3.ListBucketMetricsConfigurationsInput{Bucket: bucket}); err != nil || len(out.MetricsConfigurationList) != 0 || *out.IsTruncated {
		t.Errorf("metrics: %v, %v", out, err)
	}
}

func TestOwnershipControlsAreDeleted(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	bucket := aws.String("plain")
	get := func() error {
		_, err := w.client.GetBucketOwnershipControls(t.Context(), &awss3.GetBucketOwnershipControlsInput{Bucket: bucket})
		return err
	}
	for range 2 {
		if _, err := w.client.DeleteBucketOwnershipControls(t.Context(), &awss3.DeleteBucketOwnershipControlsInput{Bucket: bucket}); err != nil {
			t.Fatal(err)
		}
		w.wantCode(get(), "OwnershipControlsNotFoundError")
	}
	if _, err := w.other.PutObject(t.Context(), &awss3.PutObjectInput{Bucket: bucket, Key: aws.String("k"), ACL: "public-read"}); err != nil {
		t.Errorf("a list without controls: %v", err)
	}
	if out, err := w.client.ListObjectsV2(t.Context(), &awss3.ListObjectsV2Input{Bucket: bucket, FetchOwner: aws.Bool(true)}); err != nil || *out.Contents[0].Owner.ID != stranger {
		t.Errorf("without controls the writer is the owner: %+v, %v", out, err)
	}
	if _, err := w.client.PutBucketOwnershipControls(t.Context(), &awss3.PutBucketOwnershipControlsInput{
		Bucket: bucket, OwnershipControls: &types.OwnershipControls{Rules: []types.OwnershipControlsRule{{ObjectOwnership: "BucketOwnerEnforced"}}},
	}); err != nil {
		t.Fatal(err)
	}
	w.wantCode(get(), "")
}

// Lists are shown as they have effect: in a bucket whose owner owns all, only
// the owner's full control.
func TestAccessControlLists(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	show := func(by *types.Owner, grants []types.Grant) string {
		var list []string
		for _, g := range grants {
			list = append(list, strings.TrimPrefix(aws.ToString(g.Grantee.ID)+aws.ToString(g.Grantee.URI), "http://acs.amazonaws.com/groups/global/")+":"+string(g.Permission))
		}
		slices.Sort(list)
		return *by.ID + " " + strings.Join(list, " ")
	}
	for _, bucket := range []string{"plain", "writer", "locked"} {
		out, err := w.client.GetBucketAcl(t.Context(), &awss3.GetBucketAclInput{Bucket: &bucket})
		if err != nil {
			t.Fatal(err)
		}
		if got := show(out.Owner, out.Grants); got != owner+" "+owner+":FULL_CONTROL" {
			t.Errorf("%s: %s", bucket, got)
		}
	}
	for _, c := range []struct {
		bucket string
		by     *awss3.Client
		acl    types.ObjectCannedACL
		want   string
	}{
		{"plain", w.client, "", owner + " " + owner + ":FULL_CONTROL"},
		{"plain", w.other, "", owner + " " + owner + ":FULL_CONTROL"},
		{"plain", w.client, "bucket-owner-full-control", owner + " " + owner + ":FULL_CONTROL"},
		{"writer", w.client, "private", owner + " " + owner + ":FULL_CONTROL"},
		{"writer", w.client, "public-read", owner + " " + owner + ":FULL_CONTROL AllUsers:READ"},
		{"writer", w.client, "authenticated-read", owner + " " + owner + ":FULL_CONTROL AuthenticatedUsers:READ"},
		{"writer", w.client, "bucket-owner-full-control", owner + " " + owner + ":FULL_CONTROL"},
		{"writer", w.other, "public-read-write", stranger + " " + stranger + ":FULL_CONTROL AllUsers:READ AllUsers:WRITE"},
		{"writer", w.other, "bucket-owner-read", stranger + " " + owner + ":READ " + stranger + ":FULL_CONTROL"},
		{"writer", w.other, "bucket-owner-full-control", stranger + " " + owner + ":FULL_CONTROL " + stranger + ":FULL_CONTROL"},
	} {
		if _, err := c.by.PutObject(t.Context(), &awss3.PutObjectInput{Bucket: &c.bucket, Key: aws.String("k"), ACL: c.acl}); err != nil {
			t.Fatal(err)
		}
		out, err := w.client.GetObjectAcl(t.Context(), &awss3.GetObjectAclInput{Bucket: &c.bucket, Key: aws.String("k")})
		if err != nil {
			t.Fatal(err)
		}
		if got := show(out.Owner, out.Grants); got != c.want {
			t.Errorf("%s in %s: %s, want %s", c.acl, c.bucket, got, c.want)
		}
	}
	_, err := w.client.GetObjectAcl(t.Context(), &awss3.GetObjectAclInput{Bucket: aws.String("plain"), Key: aws.String("none")})
	w.wantCode(err, "NoSuchKey")
}
