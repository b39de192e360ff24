package s3

import (
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awss3 "github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
)

func TestArchivedObjects(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.put("plain", "cold", "x", func(in *awss3.PutObjectInput) { in.StorageClass = types.StorageClassDeepArchive })
	w.put("plain", "warm", "x")
	read := func(key string) error {
		_, err := w.client.GetObject(t.Context(), &awss3.GetObjectInput{Bucket: aws.String("plain"), Key: &key})
		return err
	}
	restore := func(key string, days int32) (int, string) {
		body := `<RestoreRequest xmlns="` + namespace + `"></RestoreRequest>`
		if days > 0 {
			body = `<RestoreRequest xmlns="` + namespace + `"><Days>1</Days><GlacierJobParameters><Tier>Standard</Tier></GlacierJobParameters></RestoreRequest>`
		}
		answer, text := w.do("POST", "/plain/"+key+"?restore", body)
		return answer.StatusCode, text
	}
	w.wantCode(read("cold"), "InvalidObjectState")
	for _, c := range []struct {
		key    string
		days   int32
		status int
		text   string
	}{
		{"warm", 1, 403, "Restore is not allowed for the object's current storage class"},
		{"none", 1, 404, "NoSuchKey"},
		{"cold", 0, 400, "MalformedXML"},
		{"cold", 1, 202, ""},
		{"cold", 1, 200, ""},
	} {
		if status, text := restore(c.key, c.days); status != c.status || !strings.Contains(text, c.text) {
			t.Errorf("restore %s for %d days: %d %s", c.key, c.days, status, text)
		}
	}
	w.wantCode(read("cold"), "")
	head, err := w.client.HeadObject(t.Context(), &awss3.HeadObjectInput{Bucket: aws.String("plain"), Key: aws.String("cold")})
	if want := `ongoing-request="false", expiry-date="Mon, 23 Nov 2026 00:00:00 GMT"`; err != nil || aws.ToString(head.Restore) != want || head.StorageClass != types.StorageClassDeepArchive {
		t.Errorf("restored: %+v, %v", head, err)
	}
	w.now.add(48 * time.Hour)
	w.wantCode(read("cold"), "InvalidObjectState")

	if err := w.service.SetStorageClass("plain", "warm", "GLACIER"); err != nil {
		t.Fatal(err)
	}
	w.wantCode(read("warm"), "InvalidObjectState")
	for _, c := range [][3]string{{"none", "warm", "GLACIER"}, {"plain", "none", "GLACIER"}, {"plain", "warm", "COLD"}} {
		if err := w.service.SetStorageClass(c[0], c[1], c[2]); err == nil {
			t.Errorf("%v is accepted", c)
		}
	}
}

func TestSettingsOfABucket(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	bucket := aws.String("plain")
	list := func() error {
		_, err := w.client.PutObject(t.Context(), &awss3.PutObjectInput{Bucket: bucket, Key: aws.String("k"), ACL: types.ObjectCannedACLPublicRead})
		return err
	}
	own := func(o types.ObjectOwnership) error {
		_, err := w.client.PutBucketOwnershipControls(t.Context(), &awss3.PutBucketOwnershipControlsInput{
			Bucket: bucket, OwnershipControls: &types.OwnershipControls{Rules: []types.OwnershipControlsRule{{ObjectOwnership: o}}},
		})
		return err
	}
	w.wantCode(list(), "AccessControlListNotSupported")
	w.wantCode(own("Mine"), "MalformedXML")
	w.wantCode(own(types.ObjectOwnershipBucketOwnerPreferred), "")
	w.wantCode(list(), "")
	owned, err := w.client.GetBucketOwnershipControls(t.Context(), &awss3.GetBucketOwnershipControlsInput{Bucket: bucket})
	if err != nil || owned.OwnershipControls.Rules[0].ObjectOwnership != types.ObjectOwnershipBucketOwnerPreferred {
		t.Errorf("ownership %+v, %v", owned, err)
	}

	pay := func(p types.Payer) error {
		_, err := w.client.PutBucketRequestPayment(t.Context(), &awss3.PutBucketRequestPaymentInput{
			Bucket: bucket, RequestPaymentConfiguration: &types.RequestPaymentConfiguration{Payer: p},
		})
		return err
	}
	read := func() error {
		_, err := w.other.HeadObject(t.Context(), &awss3.HeadObjectInput{Bucket: bucket, Key: aws.String("k")})
		return err
	}
	w.wantCode(pay("Nobody"), "MalformedXML")
	w.wantCode(pay(types.PayerRequester), "")
	w.wantCode(read(), "Forbidden")
	payer, err := w.client.GetBucketRequestPayment(t.Context(), &awss3.GetBucketRequestPaymentInput{Bucket: bucket})
	if err != nil || payer.Payer != types.PayerRequester {
		t.Errorf("payer %+v, %v", payer, err)
	}
	w.wantCode(pay(types.PayerBucketOwner), "")
	w.wantCode(read(), "")
}
