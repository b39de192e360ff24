package check

import (
	"context"
	"fmt"
	"slices"

	"github.com/rolecall/rolecall"
	"github.com/rolecall/rolecall/internal/refusal"
	"github.com/rolecall/rolecall/internal/transfer"
)

// encrypted looks at how S3 says that it encrypts, as asked by the connection's
// tasks, and without being asked: tools that take the connection's credentials
// do not ask.
func encrypted(ctx context.Context, w *work) finding {
	required := w.Connection.Encryption
	switch {
	case w.Connection.Purpose != rolecall.Delivery:
		return skipped(onlyRead)
	case w.upload == "":
		return skipped("not reached: no upload could be begun")
	case required == nil:
		return passed("the connection requires none; what S3 says that it does: %s", named(w.created))
	case weaker(w.created, *required):
		return failed(rolecall.LayerBucket, fmt.Sprintf("the server encrypts by %s, although it was asked for %s", named(w.created), named(*required)),
			"Operator: correct s3_endpoint_url, or declare an encryption that this server can do")
	}
	id, found, err := w.create(ctx, form{nil, "", w.Connection.StorageClass})
	switch a := refusal.Read(err); {
	case err == nil:
	case a.Kind == transfer.Denied && !a.OfKey():
		return passed("encrypted as required; the bucket refuses what does not ask for it")
	case a.OfKey() && a.Kind != transfer.Unavailable && required.Key != "":
		return w.otherwise("another key, which the role cannot use")
	case a.OfKey() && a.Kind == transfer.Denied:
		return passed("encrypted as required; what does not ask for it is refused by the bucket's own key")
	default: // of which nothing follows
		return w.diagnose(ctx, question{verb: "begin an upload that asks for no encryption", action: "s3:PutObject", opened: true}, err)
	}
	w.plain = append(w.plain, id)
	if !weaker(found, *required) {
		return passed("encrypted as required, by the bucket's default too: %s", named(found))
	}
	return w.otherwise(named(found))
}

// otherwise is found where the bucket's default is not what the connection
// requires.
func (w *work) otherwise(found string) finding {
	required := *w.Connection.Encryption
	f := failed(rolecall.LayerBucket,
		fmt.Sprintf("the bucket's default encryption is %s, not %s as the connection requires", found, named(required)),
		"Customer: set the bucket's default, or have its policy refuse what does not ask; tasks ask for it, but other tools do not")
	f.patches = setting(w.bucketARN(), w.defaultEncryption(required))
	return f
}

// strengths are the encryptions of S3, the weakest first.
var strengths = []string{"", "AES256", "aws:kms", "aws:kms:dsse"}

// weaker reports whether what S3 does falls short of what is required.
func weaker(found, required rolecall.Encryption) bool {
	if slices.Index(strengths, found.Type) < slices.Index(strengths, required.Type) {
		return true
	}
	return required.Key != "" && found.Key != required.Key
}
