package check

import (
	"context"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/rolecall/rolecall"
	"github.com/rolecall/rolecall/internal/awscode"
	"github.com/rolecall/rolecall/internal/refusal"
	"github.com/rolecall/rolecall/policy"
)

// belongs finds out whose objects will be, as far as the connection's acl shows.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/about-object-ownership.html
func belongs(ctx context.Context, w *work) finding {
	acl := w.Connection.ACL
	without := func(c *rolecall.Connection) { c.ACL = "" }
	switch {
	case w.Connection.Purpose != rolecall.Delivery:
		return skipped(onlyRead)
	case w.acl != nil && w.acl.Meaning == awscode.NoACLs:
		f := w.answered(ctx, question{}, *w.acl)
		f.patches = append(w.changed(without), setting(w.bucketARN(),
			w.s3api("put-bucket-ownership-controls", "--ownership-controls", "Rules=[{ObjectOwnership=BucketOwnerPreferred}]"))...)
		return f
	case w.acl != nil:
		f := w.diagnose(ctx, question{verb: fmt.Sprintf("set the ACL %q", acl), action: "s3:PutObjectAcl", opened: true}, w.acl.Err)
		if acl == fullControl { // which buckets without ACLs take, too
			f.patches = append(f.patches, w.changed(without)...)
		} else {
			f.first(rolecall.LayerName, w.changed(without))
			f.hint = "Operator: leave acl out, unless others rely on it. Else " + f.hint
		}
		f.denied = false // only the step write could try it again
		return f
	case w.upload == "":
		return skipped("not reached: no upload could be begun")
	case acl != "" && acl != fullControl && w.Connection.RoleARN != "" && w.owner() != w.arn.Account:
		f := finding{
			result: rolecall.CheckWarn, layer: rolecall.LayerName,
			message: fmt.Sprintf("the bucket takes ACLs: what is delivered with the ACL %q may belong to the role's account, not to the bucket's owner", acl),
			hint:    "Operator: declare the acl " + fullControl + ". Customer: or enforce the ownership of the bucket's owner, so that acl can be left out",
		}
		f.patches = w.changed(func(c *rolecall.Connection) { c.ACL = fullControl })
		return f
	case acl != "":
		return passed("the bucket takes the ACL %q", acl)
	case w.Connection.RoleARN != "" && w.owner() != w.arn.Account:
		return w.writers(ctx)
	default:
		return passed("no ACL is asked for: the bucket's setting says whose objects are, by default its owner's")
	}
}

// writers finds out whether a bucket of another account leaves objects to the
// account that writes them: it does if it takes an ACL that does not give them
// to its owner. Only a role that may set ACLs can find out.
func (w *work) writers(ctx context.Context) finding {
	client, err := w.writer(ctx, policy.ACL)
	if err == nil {
		asked := w.declaredForm()
		asked.acl = string(types.ObjectCannedACLPrivate)
		var id string
		if id, _, err = w.createBy(ctx, client, asked); err == nil {
			w.own = append(w.own, id)
		}
	}
	switch {
	case err == nil:
		f := finding{
			result: rolecall.CheckWarn, candidates: []rolecall.CheckLayer{rolecall.LayerBucket, rolecall.LayerName},
			message: "the bucket takes ACLs, and the connection asks for none: what is delivered belongs to the role's account, and the bucket's owner cannot read it",
			hint:    "Customer: enforce the ownership of the bucket's owner. Operator: or declare the acl " + fullControl,
		}
		f.patches = append(setting(w.bucketARN(),
			w.s3api("put-bucket-ownership-controls", "--ownership-controls", "Rules=[{ObjectOwnership=BucketOwnerEnforced}]")),
			w.changed(func(c *rolecall.Connection) { c.ACL = fullControl })...)
		return f
	case refusal.Read(err).Meaning == awscode.NoACLs:
		return passed("the bucket takes no ACLs: its owner owns what is delivered")
	}
	return passed("not known: the bucket's owner owns what is delivered, unless the bucket takes ACLs, which a role finds out that may set them")
}
