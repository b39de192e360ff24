package check

import (
	"context"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/rolecall/rolecall"
	"github.com/rolecall/rolecall/internal/refusal"
	"github.com/rolecall/rolecall/internal/transfer"
)

// readable reads a byte of an object, and says of which objects anything may be
// said. No task reads old versions.
func readable(ctx context.Context, w *work) finding {
	f := w.readOne(ctx)
	for _, o := range w.keys {
		f.objectKeys = append(f.objectKeys, aws.ToString(o.Key))
	}
	return f
}

func (w *work) readOne(ctx context.Context) finding {
	w.readKey = nil
	key, probing := w.Connection.ProbeKey, w.Connection.ProbeKey != ""
	switch {
	case probing && !strings.HasPrefix(key, w.Connection.Prefix):
		f := failed(rolecall.LayerName, fmt.Sprintf("probe_key %q is not below the prefix %q", key, w.Connection.Prefix), "Operator: name as probe_key an object below the prefix, or leave it out")
		f.patches = w.withProbe("")
		return f
	case !probing && !w.listed && len(w.keys) == 0:
		return skipped("no object is known: listing fails, and the connection names no probe_key")
	case !probing:
		if key = w.oneOf(w.keys); key == "" {
			return finding{
				result: rolecall.CheckWarn, message: "reading was not tried: there is no object below the prefix",
				hint: "Customer: put an object there. Operator: or name one as probe_key",
			}
		}
	}
	kept, err := w.get(ctx, w.reading, key)
	if err != nil {
		return w.unreadable(ctx, key, refusal.Read(err))
	}
	w.kept = kept
	w.read = true
	return passed("%q can be read", key)
}

// oneOf picks the object to read: if there is one, one that is not archived,
// and of these one that is not empty, as folders of the console are.
func (w *work) oneOf(keys []types.Object) string {
	best, rank := "", 0
	for _, o := range keys {
		is := 1
		if o.StorageClass != types.ObjectStorageClassGlacier && o.StorageClass != types.ObjectStorageClassDeepArchive {
			is = 2
			if aws.ToInt64(o.Size) > 0 {
				is = 3
			}
		}
		if is > rank {
			best, rank = aws.ToString(o.Key), is
		}
	}
	return best
}

// unreadable says why the object cannot be read.
func (w *work) unreadable(ctx context.Context, key string, a refusal.Answer) finding {
	named := w.Connection.ProbeKey != ""
	q := question{verb: fmt.Sprintf("read %q", key), action: "s3:GetObject", key: key, missing: named && !w.listed, opened: w.listed}
	switch {
	case a.OfKey():
		w.head(ctx, key)
		return w.keptByKey(&w.readKey, a)
	case a.Kind == transfer.Archived:
		return w.archived(w.answered(ctx, q, a), key)
	case a.Kind == transfer.NotFound && !named:
		return finding{result: rolecall.CheckWarn, message: fmt.Sprintf("reading was not tried: %q was there, and is gone", key), hint: "Operator: name an object as probe_key"}
	case a.Kind == transfer.NotFound:
		return w.absent(key)
	case a.Kind != transfer.Denied:
		return w.diagnose(ctx, q, a.Err)
	}
	// Without leave to list the whole bucket a missing object is denied.
	if named && w.listed {
		there, err := w.listAs(ctx, strings.TrimPrefix(key, w.Connection.Prefix), w.asOwner(), w.payer())
		if err == nil && (len(there) == 0 || aws.ToString(there[0].Key) != key) {
			return w.absent(key)
		}
	}
	if a.Bare() && w.head(ctx, key) {
		return w.keptByKey(&w.readKey, a)
	}
	f := w.diagnose(ctx, q, a.Err)
	if a.Bare() && w.listed && w.Connection.RoleARN != "" {
		f = w.disownedObject(key, f)
	}
	return f
}

// disownedObject adds to what is found that the object may be its writer's, in
// a bucket that does not own what others write. Within one account nothing else
// is refused without a reason.
func (w *work) disownedObject(key string, f finding) finding {
	enforced := setting(w.bucketARN(), w.s3api("put-bucket-ownership-controls", "--ownership-controls", "Rules=[{ObjectOwnership=BucketOwnerEnforced}]"))
	if w.owner() != w.arn.Account {
		f.patches = append(f.patches, enforced...)
		f.message += "; or the object is its writer's, and not the bucket owner's"
		return f
	}
	f = failed(rolecall.LayerBucket, fmt.Sprintf("%q seems to belong to the account that wrote it, not to the bucket's", key),
		"Customer: enforce the ownership of the bucket's owner; ACLs that others rely on mean nothing then")
	f.patches = enforced
	return f
}

// head asks for what needs the same permission as reading, but not the use of
// the object's key, which it names.
func (w *work) head(ctx context.Context, key string) bool {
	out, err := w.reading.HeadObject(ctx, &s3.HeadObjectInput{Bucket: &w.Connection.Bucket, Key: &key, ExpectedBucketOwner: w.asOwner(), RequestPayer: w.payer()})
	if err != nil {
		return false
	}
	w.kept = encryptionOf(out.ServerSideEncryption, out.SSEKMSKeyId)
	return true
}

// absent is found where probe_key names no object.
func (w *work) absent(key string) finding {
	f := failed(rolecall.LayerName, fmt.Sprintf("there is no object %q, which probe_key names", key), "Operator: name as probe_key an object that is there, or leave it out; upper and lower case differ")
	f.patches = w.withProbe(w.oneOf(w.keys))
	return f
}

// archived is found where an object must be restored before it can be read.
func (w *work) archived(f finding, key string) finding {
	f.hint = joined(f.hint, "Operator: or name another object as probe_key, if only this one is archived")
	f.patches = setting(w.bucketARN(), w.s3api("restore-object", "--key", key, "--restore-request", `{"Days":1}`))
	if other := w.oneOf(w.keys); other != "" && other != key {
		f.candidates = []rolecall.CheckLayer{rolecall.LayerName, rolecall.LayerBucket}
		f.patches = append(w.withProbe(other), f.patches...)
	}
	return f
}

func (w *work) withProbe(key string) []rolecall.Patch {
	return w.changed(func(c *rolecall.Connection) { c.ProbeKey = key })
}
