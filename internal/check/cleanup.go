package check

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/rolecall/rolecall"
	"github.com/rolecall/rolecall/internal/awscode"
	"github.com/rolecall/rolecall/internal/refusal"
	"github.com/rolecall/rolecall/internal/safely"
	"github.com/rolecall/rolecall/policy"
)

// cleaned aborts the uploads that the check began, and looks for those that
// earlier checks left. It runs after a cancellation too.
func cleaned(ctx context.Context, w *work) finding {
	if w.Connection.Purpose != rolecall.Delivery {
		return skipped(onlyRead)
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), cleanupLimit)
	defer cancel()
	uploads := slices.Concat(w.begun, w.plain, w.own)
	errs := make([]error, len(uploads))
	var swept int
	var left finding
	jobs := []func(){func() { swept = w.sweep(ctx, uploads) }, func() { left = w.removed(ctx) }}
	for i, id := range uploads {
		jobs = append(jobs, func() { errs[i] = w.abort(ctx, id) })
	}
	safely.Beside(jobs...)
	var remaining []string
	var cause error
	for i, err := range errs {
		if err != nil {
			remaining, cause = append(remaining, uploads[i]), err
		}
	}
	switch {
	case cause != nil:
		f := w.diagnose(ctx, question{verb: "abort an upload", action: "s3:AbortMultipartUpload", opened: true}, cause)
		f.denied = false // trying again would not undo what is left now
		f.message += fmt.Sprintf("; left in the bucket: %s of %q that did not end", counted(len(remaining), "upload"), w.fixedKey())
		f.hint = joined(f.hint, "Customer: remove what is left by "+w.s3api("abort-multipart-upload", "--key", w.fixedKey(), "--upload-id", remaining[0]))
		return f
	case left.result != "":
		return left
	case len(uploads) == 0:
		return skipped("nothing was written")
	case swept > 0:
		return passed("nothing is left: %s aborted, and %d that earlier checks had left", counted(len(uploads), "upload"), swept)
	}
	return passed("nothing is left: %s aborted", counted(len(uploads), "upload"))
}

// cleanupLimit bounds the tidying up, which a cancellation does not end.
const cleanupLimit = 20 * time.Second

// abort ends an upload and sees that it is gone, where it may look.
func (w *work) abort(ctx context.Context, id string) error {
	key := w.fixedKey()
	_, err := w.writing.AbortMultipartUpload(ctx, &s3.AbortMultipartUploadInput{
		Bucket: &w.Connection.Bucket, Key: &key, UploadId: &id, ExpectedBucketOwner: w.asOwner(), RequestPayer: w.payer(),
	})
	if err != nil && refusal.Read(err).Meaning != awscode.NoUpload {
		return err
	}
	if w.listParts(ctx, w.writing, id) == nil {
		return errStillThere
	}
	return nil
}

var errStillThere = errors.New("an aborted upload is still there")

// sweep aborts uploads that earlier checks left, where the role may list them,
// which is optional. Those of the last minute may be another check's.
func (w *work) sweep(ctx context.Context, own []string) int {
	if w.writing == nil || w.Connection.Secret != "" && len(own) == 0 {
		return 0
	}
	client, err := w.client(ctx, policy.Sweep)
	if err != nil {
		return 0
	}
	key, swept := w.fixedKey(), 0
	out, err := client.ListMultipartUploads(ctx, &s3.ListMultipartUploadsInput{
		Bucket: &w.Connection.Bucket, Prefix: &key, ExpectedBucketOwner: w.asOwner(), RequestPayer: w.payer(),
	})
	if err != nil {
		return 0
	}
	for _, u := range out.Uploads {
		id := aws.ToString(u.UploadId)
		if aws.ToString(u.Key) != key || slices.Contains(own, id) || time.Since(aws.ToTime(u.Initiated)) < time.Minute {
			continue
		}
		if w.abort(ctx, id) == nil {
			swept++
		}
	}
	return swept
}

// removed deletes the object of a deep check. That it cannot be is no fault of
// the connection's: tasks delete nothing.
func (w *work) removed(ctx context.Context) finding {
	if w.stored == nil {
		return finding{}
	}
	stays := finding{
		result: rolecall.CheckWarn, message: fmt.Sprintf("the object %q stays in the bucket: it could not be deleted", w.fixedKey()),
		hint: "Customer: allow s3:DeleteObject, or remove it by hand; the next deep check writes it again",
	}
	client, err := w.client(ctx, policy.Delete)
	if err != nil {
		return stays
	}
	key := w.fixedKey()
	if _, err := client.DeleteObject(ctx, &s3.DeleteObjectInput{
		Bucket: &w.Connection.Bucket, Key: &key, ExpectedBucketOwner: w.asOwner(), RequestPayer: w.payer(),
	}); err != nil {
		return stays
	}
	if version := *w.stored; version != "" && version != "null" {
		stays.message = fmt.Sprintf("the object %q is deleted, but its version %q stays: the bucket keeps versions", key, version)
		stays.hint = "Customer: once no object lock holds it, remove it by " + w.s3api("delete-object", "--key", key, "--version-id", version) + ", or by a lifecycle rule for old versions"
		return stays
	}
	return finding{}
}
