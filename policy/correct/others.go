package correct

import (
	"cmp"

	"github.com/rolecall/rolecall"
	"github.com/rolecall/rolecall/policy"
)

// KMSKeyOf is the KMS key that a connection names, empty if it names none.
func KMSKeyOf(c rolecall.Connection) string {
	if c.Encryption == nil {
		return ""
	}
	return c.Encryption.Key
}

// Sharing names the organization's other connections that use the connection's
// role, bucket or key.
func (s Setup) Sharing() []string {
	var out []string
	for _, c := range s.Others {
		if c.RoleARN == s.Connection.RoleARN || c.Bucket == s.Connection.Bucket || KMSKeyOf(c) != "" && KMSKeyOf(c) == KMSKeyOf(s.Connection) {
			out = append(out, c.Name)
		}
	}
	return out
}

// WithOthers adds to a bucket's or key's document what others of the
// organization's connections need of the same bucket or key, as far as AWS
// would store it.
func (s Setup) WithOthers(kind policy.Kind, d *policy.Document, uses func(c rolecall.Connection) bool) []byte {
	whole := readDocument(d)
	for _, c := range s.Others {
		if !uses(c) {
			continue
		}
		c.Region = cmp.Or(c.Region, s.Region)
		kit, err := policy.Generate(s.kitRequest(c, s.ExternalID))
		needed := kit.Document(kind)
		if err != nil || needed == nil {
			continue
		}
		more := whole
		for _, s := range statements(readDocument(needed)) {
			if !has(more, s) {
				more = add(more, s)
			}
		}
		if len(more.JSON()) <= kind.Limit() {
			whole = more
		}
	}
	if len(statements(whole)) == len(statements(readDocument(d))) {
		return d.JSON()
	}
	return whole.JSON()
}
