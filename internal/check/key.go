package check

import (
	"context"
	"fmt"

	"github.com/rolecall/rolecall"
	"github.com/rolecall/rolecall/internal/transfer"
)

// keptByKey notes, for the step key, that a KMS key refuses.
func (w *work) keptByKey(at **answer, a answer) finding {
	*at = &a
	f := skipped("not told while the KMS key refuses: see the step key")
	f.denied = a.kind == transfer.Denied
	return f
}

// keyed says what is wrong with the KMS key, as reading and writing found it.
func keyed(ctx context.Context, w *work) finding {
	declared := ""
	if e := w.Connection.Encryption; e != nil {
		declared = e.Key
	}
	if arn, err := rolecall.ParseARN(declared); err == nil && w.region != "" && arn.Region != w.region {
		return w.otherKey(ctx, fmt.Sprintf("the key is in the region %s, the bucket in %s: S3 uses keys of the bucket's region only", arn.Region, w.region))
	}
	for _, tried := range []struct {
		action string
		answer *answer
	}{{"kms:GenerateDataKey", w.writeKey}, {"kms:Decrypt", w.partKey}, {"kms:Decrypt", w.readKey}} {
		if tried.answer != nil {
			return w.keyFault(ctx, tried.action, *tried.answer)
		}
	}
	switch {
	case declared != "" && (w.read || w.parted):
		return passed("the key can be used")
	case declared != "":
		return skipped("not reached: nothing could be read or written")
	default:
		return skipped("the connection names no KMS key")
	}
}

// keyFault says what a KMS key's refusal means.
func (w *work) keyFault(ctx context.Context, action string, a answer) finding {
	key := a.key()
	if e := w.Connection.Encryption; e != nil && key == "" {
		key = e.Key
	}
	switch a.code {
	case "KMS.DisabledException":
		f := failed(rolecall.LayerKey, "the KMS key is disabled", "its owner enables it")
		f.patches = enableKey(key)
		return f
	case "KMS.KMSInvalidStateException":
		f := failed(rolecall.LayerKey, "the KMS key cannot be used as it is: it may be on its way to be deleted", "its owner cancels the deletion and enables it")
		f.patches = enableKey(key)
		return f
	case "KMS.NotFoundException":
		return w.otherKey(ctx, "KMS knows no such key in the bucket's region")
	}
	if a.kind != transfer.Denied {
		return w.diagnose(ctx, question{verb: "use the KMS key", action: action, opened: true}, a.err)
	}
	var f finding
	if a.bare() {
		f = w.keyDenied(action, a)
	} else {
		f = w.denied(question{verb: "use the KMS key", action: action, opened: true}, a)
	}
	f.denied = false // what the key keeps from being tried was tried again
	return f
}

// enableKey undoes what keeps a key from being used.
func enableKey(key string) []rolecall.Patch {
	if key == "" {
		return nil
	}
	return setting(key, kms("cancel-key-deletion", key)+" || true", kms("enable-key", key))
}

// otherKey is found where the connection names a key that cannot be right. The
// one that the bucket uses by default is S3's to tell.
func (w *work) otherKey(ctx context.Context, message string) finding {
	f := finding{
		result: rolecall.CheckFail, candidates: []rolecall.CheckLayer{rolecall.LayerName, rolecall.LayerKey}, message: message,
		hint: "name the key of the bucket as its owner has it, by its ARN",
	}
	e := rolecall.Encryption{Type: "aws:kms"}
	if w.writing != nil {
		if id, found, err := w.create(ctx, form{nil, "", w.Connection.StorageClass}); err == nil {
			w.plain = append(w.plain, id)
			if found.Type == e.Type {
				e = found
			}
		}
	}
	f.patches = w.changed(func(c *rolecall.Connection) { c.Encryption = &e })
	return f
}
