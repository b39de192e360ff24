package check

import (
	"context"
	"fmt"

	"github.com/rolecall/rolecall"
	"github.com/rolecall/rolecall/internal/awscode"
	"github.com/rolecall/rolecall/internal/refusal"
	"github.com/rolecall/rolecall/internal/transfer"
	"github.com/rolecall/rolecall/policy"
)

// keyed says what is wrong with the KMS key, as reading and writing found it.
func keyed(ctx context.Context, w *work) finding {
	declared := ""
	if e := w.Connection.Encryption; e != nil {
		declared = e.Key
	}
	if arn, err := rolecall.ParseARN(declared); err == nil && w.region != "" && arn.Region != w.region {
		f := w.answered(ctx, question{}, refusal.Answer{Answer: awscode.Answer{Meaning: awscode.KeyMissing}})
		f.message = fmt.Sprintf("the key is in the region %s, the bucket in %s: S3 uses keys of the bucket's region only", arn.Region, w.region)
		return w.otherKey(ctx, f)
	}
	for _, tried := range []struct {
		action string
		answer *refusal.Answer
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
func (w *work) keyFault(ctx context.Context, action string, a refusal.Answer) finding {
	if a.Learnt = w.kept.Key; w.Connection.Encryption != nil && w.Connection.Encryption.Key != "" {
		a.Learnt = w.Connection.Encryption.Key
	}
	f := w.answered(ctx, question{action: action, opened: true}, a)
	switch a.Meaning {
	case awscode.KeyDisabled:
		f.patches = onKey(a.Key(), "enable-key")
		return f
	case awscode.KeyUnusable:
		f.patches = onKey(a.Key(), "cancel-key-deletion", "enable-key")
		return f
	case awscode.KeyMissing, awscode.InvalidKey:
		return w.otherKey(ctx, f)
	}
	if a.Kind != transfer.Denied {
		return f
	}
	if e := w.Connection.Encryption; len(f.candidates) > 0 && (e == nil || e.Key == "") && w.owner() != w.arn.Account {
		// Its policy is AWS's, and lets the account in that it is in.
		f.cautionHint = "Customer: if the bucket encrypts under aws/s3, which no other account may use, set a key of your own as default and copy the objects. Operator: then declare it as encryption.key"
	}
	f.denied = false // what the key keeps from being tried was tried again
	return w.orOtherKey(ctx, f)
}

// orOtherKey adds to what is found where the declared key refuses that it may
// be the wrong one: the role can use another, which the bucket has by default.
func (w *work) orOtherKey(ctx context.Context, f finding) finding {
	e := w.Connection.Encryption
	if w.writeKey == nil || e == nil || e.Key == "" {
		return f
	}
	found, ok := w.usual(ctx)
	if !ok || found.Key == "" || found.Key == e.Key {
		return f
	}
	f.first(rolecall.LayerName, w.changed(func(c *rolecall.Connection) { c.Encryption = &found }))
	f.message += "; the bucket's own key is another, which the role can use"
	f.hint = "Operator: declare the bucket's own key, unless this one is meant. Else " + f.hint
	return f
}

// onKey are operations that make a key usable again.
func onKey(key string, operations ...string) []rolecall.Patch {
	if key == "" {
		return nil
	}
	commands := make([]string, len(operations))
	for i, operation := range operations {
		commands[i] = kms(operation, key)
	}
	return setting(key, commands...)
}

// otherKey is found where the connection names a key that cannot be right. The
// one that the bucket uses by default is known to S3.
func (w *work) otherKey(ctx context.Context, f finding) finding {
	e := rolecall.Encryption{Type: "aws:kms"}
	if found, ok := w.usual(ctx); ok && found.Type == e.Type {
		e = found
	}
	f.patches = w.changed(func(c *rolecall.Connection) { c.Encryption = &e })
	return f
}

// usual is how the bucket encrypts what does not ask, else how the object was
// that was read. An upload shows it, under a session that may use any key.
func (w *work) usual(ctx context.Context) (rolecall.Encryption, bool) {
	if w.Connection.Purpose == rolecall.Delivery {
		request := w.request(policy.Write, policy.Read)
		request.Place.Encryption = nil // so that any key may be used
		client, err := w.open(ctx, request)
		if err == nil {
			id, found, err := w.createBy(ctx, client, form{nil, "", w.Connection.StorageClass})
			if err == nil {
				w.plain = append(w.plain, id)
				return found, true
			}
		}
	}
	return w.kept, w.kept.Type != ""
}
