package check

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"

	"github.com/rolecall/rolecall"
	"github.com/rolecall/rolecall/policy"
	"github.com/rolecall/rolecall/policy/correct"
)

// sendable reports whether the bucket's policy, which was given, lets uploads
// through that say more: how they are encrypted, an ACL, a storage class. What
// can be sent comes before a change of the policy.
func (c refusedCase) sendable(f finding) (finding, bool) {
	given := slices.IndexFunc(c.Policies, func(g correct.Given) bool { return g.Kind == policy.BucketDocument })
	if given < 0 || c.question.Step != rolecall.StepWrite || !c.concerns(f, policy.BucketDocument) {
		return f, false
	}
	g := c.Policies[given]
	q := c.question
	q.Denial.Action, q.LayerKnown = "s3:PutObject", f.layer != ""
	passes := func(conn rolecall.Connection) bool {
		s := c.setup
		s.Upload = form{conn.Encryption, conn.ACL, conn.StorageClass}.conditions()
		j, ok := s.Judge(q, policy.BucketDocument, c.Policies)
		return ok && j.Standing == correct.Allows
	}
	if passes(c.Connection) {
		return f, false
	}
	for _, conn := range saying(c.Connection, wanted(g.Document)) {
		if conn.Validate() != nil || !passes(conn) {
			continue
		}
		patch, hint := c.declaring(conn), "Operator: declare the connection as shown; the bucket's policy can stay as it is"
		if len(patch.Commands) > 0 {
			hint += ". Customer: run the patch's commands"
		}
		f = failed(rolecall.LayerName, f.message+"; "+g.File+" wants uploads to say what the connection does not declare", hint)
		f.denied, f.patches = true, []rolecall.Patch{patch}
		return f, true
	}
	return f, false
}

// The condition keys of what an upload can say.
const (
	sendsEncryption = "s3:x-amz-server-side-encryption"
	sendsKey        = "s3:x-amz-server-side-encryption-aws-kms-key-id"
	sendsACL        = "s3:x-amz-acl"
	sendsClass      = "s3:x-amz-storage-class"
)

// wanted returns the values that a policy compares what an upload says with, by
// condition key.
func wanted(d *policy.Document) map[string][]string {
	var document struct{ Statement json.RawMessage }
	_ = json.Unmarshal(d.JSON(), &document) // it was one before
	type statement struct {
		Condition map[string]map[string]any
	}
	var all []statement
	if json.Unmarshal(document.Statement, &all) != nil {
		all = make([]statement, 1)
		_ = json.Unmarshal(document.Statement, &all[0])
	}
	out := map[string][]string{}
	for _, s := range all {
		for _, operator := range slices.Sorted(maps.Keys(s.Condition)) {
			for key, value := range s.Condition[operator] {
				key = strings.ToLower(key)
				values, several := value.([]any)
				if !several {
					values = []any{value}
				}
				for _, v := range values {
					if text, ok := v.(string); ok && !slices.Contains(out[key], text) {
						out[key] = append(out[key], text)
					}
				}
			}
		}
	}
	return out
}

// maxSaid bounds how many ways to say more are tried.
const maxSaid = 200

// saying returns the connection with the values declared, those with the
// fewest changes first.
func saying(c rolecall.Connection, values map[string][]string) []rolecall.Connection {
	encryptions := []*rolecall.Encryption{c.Encryption}
	encrypted := func(e rolecall.Encryption) {
		if !slices.ContainsFunc(encryptions, func(o *rolecall.Encryption) bool { return o != nil && *o == e }) {
			encryptions = append(encryptions, &e)
		}
	}
	for _, kind := range values[sendsEncryption] {
		encrypted(rolecall.Encryption{Type: kind})
	}
	for _, key := range values[sendsKey] {
		encrypted(rolecall.Encryption{Type: "aws:kms", Key: key})
	}
	// Where a policy asks only whether there is one, the usual one will do.
	encrypted(rolecall.Encryption{Type: "AES256"})
	encrypted(rolecall.Encryption{Type: "aws:kms"})
	others := func(all []string, than string) []string {
		return append([]string{than}, slices.DeleteFunc(slices.Clone(all), func(s string) bool { return s == than })...)
	}
	acls, classes := others(values[sendsACL], c.ACL), others(values[sendsClass], c.StorageClass)
	byChanges := map[int][]rolecall.Connection{}
	n := 0
	for k, class := range classes {
		for j, acl := range acls {
			for i, e := range encryptions {
				if n++; n > maxSaid {
					break
				}
				said := c
				said.Encryption, said.ACL, said.StorageClass = e, acl, class
				changes := min(i, 1) + min(j, 1) + min(k, 1)
				byChanges[changes] = append(byChanges[changes], said)
			}
		}
	}
	return slices.Concat(byChanges[1], byChanges[2], byChanges[3])
}
