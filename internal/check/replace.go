package check

import (
	"bytes"
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/rolecall/rolecall"
	"github.com/rolecall/rolecall/policy"
)

// replaced says of what was found that its documents replace those that are
// there, which rolecall does not know.
func (w *work) replaced(f finding) finding {
	names := map[string]string{
		documentTrust: "the role's trust policy", documentBucket: "the bucket's policy", documentKey: "the key's policy, and that who administers the key stays in it",
	}
	var which, flags []string
	for _, p := range f.patches {
		if name := names[p.Document]; name != "" && p.Corrects == "" && !slices.Contains(which, name) {
			which, flags = append(which, name), append(flags, "--policy "+p.Document+"=FILE")
		}
	}
	if len(which) == 0 {
		return f
	}
	f.hint += fmt.Sprintf(". A whole document replaces what is there: see that nothing is lost that others need of %s; or give what is there by %s, to have that corrected",
		strings.Join(which, ", or of "), strings.Join(flags, " or "))
	if also := w.sharing(); len(also) > 0 {
		f.hint += fmt.Sprintf(". Of this organization the connections %s use the same role, bucket or key", strings.Join(also, ", "))
	}
	f.hint = strings.TrimPrefix(f.hint, ". ")
	return f
}

// others are the organization's other connections with a role, in the order of
// their names.
func (w *work) others() []rolecall.Connection {
	var out []rolecall.Connection
	for _, name := range slices.Sorted(maps.Keys(w.Organization.Connections)) {
		if c := w.Organization.Connections[name]; name != w.Connection.Name && c.RoleARN != "" {
			out = append(out, c)
		}
	}
	return out
}

// sharing names those of them that use the connection's role, bucket or key.
func (w *work) sharing() []string {
	var out []string
	for _, c := range w.others() {
		if c.RoleARN == w.Connection.RoleARN || c.Bucket == w.Connection.Bucket || keyOf(c) != "" && keyOf(c) == keyOf(w.Connection) {
			out = append(out, c.Name)
		}
	}
	return out
}

// keyOf is the KMS key that a connection names.
func keyOf(c rolecall.Connection) string {
	if c.Encryption == nil {
		return ""
	}
	return c.Encryption.Key
}

// besides adds to a document what others of the organization's connections need
// of the same bucket or key, as far as AWS would store it.
func (w *work) besides(kind string, d *policy.Document, uses func(c rolecall.Connection) bool) []byte {
	whole := readPaper(d)
	for _, c := range w.others() {
		if !uses(c) {
			continue
		}
		c.Region = cmp.Or(c.Region, w.region)
		kit, err := policy.Generate(policy.KitRequest{
			Connection: c, Principals: []string{w.Principal.ARN.String()}, ExternalIDs: []string{w.externalID()}, VendorAccounts: w.Vendor.Accounts, Versioned: true,
		})
		needed := map[string]*policy.Document{documentBucket: kit.Bucket, documentKey: kit.Key}[kind]
		if err != nil || needed == nil {
			continue
		}
		more := whole.copy()
		for _, s := range readPaper(needed).statements {
			if !slices.ContainsFunc(more.statements, func(o object) bool { return bytes.Equal(o.text(), s.text()) }) {
				more = more.add(s)
			}
		}
		if len(more.text()) <= limits[kind] {
			whole = more
		}
	}
	if len(whole.statements) == len(readPaper(d).statements) {
		return d.JSON()
	}
	return whole.text()
}
