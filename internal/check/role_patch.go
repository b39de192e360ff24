package check

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/rolecall/rolecall"
	"github.com/rolecall/rolecall/policy"
	"github.com/rolecall/rolecall/policy/correct"
	"github.com/rolecall/rolecall/policy/render"
)

// The documents of patches that are no policies.
const (
	documentConnection = "connection"
	documentSetting    = "setting"
)

// connectionPatch is the connection as it should be declared.
func connectionPatch(c rolecall.Connection) rolecall.Patch {
	text, _ := json.Marshal(c) // strings, numbers and booleans
	return rolecall.Patch{Document: documentConnection, Target: c.Name, Connection: text}
}

// rolePatches make the role, where there is none.
func (w *work) rolePatches() []rolecall.Patch {
	kit, ok := w.declared().DeclaredKit()
	if !ok {
		return nil
	}
	role := w.arn
	path := strings.TrimSuffix(strings.TrimPrefix(role.Resource, "role"), role.RoleName())
	return []rolecall.Patch{{
		Document: documentSetting, Target: w.Connection.RoleARN,
		Commands: append([]string{
			render.Command("aws", "iam", "create-role", "--role-name", role.RoleName(), "--path", path, "--max-session-duration", w.longestSession(),
				"--assume-role-policy-document", string(kit.Trust.JSON())),
		}, w.mergePermissions(w.Connection, kit)...),
	}}
}

// mergePermissions are the commands that give the role what it needs.
func (w *work) mergePermissions(c rolecall.Connection, kit policy.Kit) []string {
	const kind = policy.PermissionsDocument
	return render.InlinePolicy(kind, w.arn, c).Merge(kit.Permissions, w.withdrawn(kind, c))
}

// declaring is the connection as it should be declared, with the commands that
// give the role, and the bucket of another account, what that needs in addition;
// of two accounts, each is named before its commands.
func (w *work) declaring(c rolecall.Connection) rolecall.Patch {
	p := connectionPatch(c)
	kitOf := func(c rolecall.Connection) (policy.Kit, bool) {
		s := w.setup("")
		s.Connection, s.KMSKey = c, ""
		return s.NeededKit()
	}
	before, _ := kitOf(w.Connection)
	kit, ok := kitOf(c)
	if !ok || alike(before.Permissions, kit.Permissions) && alike(before.Bucket, kit.Bucket) {
		return p
	}
	p.Commands = w.mergePermissions(c, kit)
	if kit.Bucket != nil {
		const kind = policy.BucketDocument
		bucket := render.BucketPolicy(c.Bucket, cmp.Or(w.region, c.Region), w.owner()).Merge(kit.Bucket, w.withdrawn(kind, c))
		p.Commands = slices.Concat([]string{"# in the account " + w.arn.Account + ", which has the role:"}, p.Commands,
			[]string{"# in the account " + w.owner() + ", which has the bucket:"}, bucket)
	}
	return p
}

// alike reports whether two documents say the same; both may be nil.
func alike(a, b *policy.Document) bool {
	return a == b || a != nil && b != nil && bytes.Equal(a.JSON(), b.JSON())
}

// accountPatches declare the role in the other account that the connection
// names, if there is one.
func (w *work) accountPatches() []rolecall.Patch {
	role := w.arn
	role.Account = correct.NamedAccount(w.Connection)
	if role.Account == "" || role.Account == w.arn.Account || w.Vendor.Owns(role.Account) {
		return nil
	}
	c := w.Connection
	c.RoleARN = role.String()
	return []rolecall.Patch{connectionPatch(c)}
}

// longerPatch lets the role's sessions last as long as asked.
func (w *work) longerPatch() rolecall.Patch {
	return rolecall.Patch{
		Document: documentSetting, Target: w.Connection.RoleARN,
		Commands: []string{render.Command("aws", "iam", "update-role", "--role-name", w.arn.RoleName(), "--max-session-duration", w.longestSession())},
	}
}

// longestSession is the maximum, in seconds, that the role must have; IAM
// takes none below an hour.
func (w *work) longestSession() string {
	return strconv.Itoa(int(max(w.place().Duration, rolecall.DefaultSessionDuration).Seconds()))
}

// oversized is found where no session policy has room for what the connection
// needs: its names are too long.
func (w *work) oversized(message string) finding {
	f := failed(rolecall.LayerSession, message, "Operator: shorten the prefix, which session policies name with the bucket and the key. Customer: move what is there")
	c := w.Connection
	for c.Prefix != "" {
		c.Prefix = c.Prefix[:strings.LastIndexByte(strings.TrimSuffix(c.Prefix, "/"), '/')+1]
		if w.fits(c) == nil {
			patch := connectionPatch(c)
			setup := w.declared()
			setup.Connection = c
			if kit, ok := setup.DeclaredKit(); ok {
				patch.Commands = w.mergePermissions(c, kit)
			}
			f.patches = []rolecall.Patch{patch}
			f.message += fmt.Sprintf("; the prefix %q would do, and the role's permissions follow", c.Prefix)
			break
		}
	}
	return f
}

// unfit reports whether the session policies of the connection's tasks would be
// larger than STS takes.
func (w *work) unfit() (finding, bool) {
	if err := w.fits(w.Connection); err != nil {
		return w.oversized(rolecall.List(err)[0].Message), true
	}
	return finding{}, false
}

// fits makes the session policies that tasks on the connection get.
func (w *work) fits(c rolecall.Connection) error {
	request := w.request(policy.Read, policy.List)
	request.Place = w.Organization.PlaceOf(c)
	_, err := request.SessionPolicy()
	if err != nil || c.Purpose != rolecall.Delivery {
		return err
	}
	request.Operations = []policy.Operation{policy.Write, policy.Read, policy.ACL}
	_, err = request.SessionPolicy()
	return err
}
