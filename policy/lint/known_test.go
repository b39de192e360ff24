package lint

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/rolecall/rolecall"
	"github.com/rolecall/rolecall/policy"
	"github.com/rolecall/rolecall/policy/internal/known"
)

// TestEveryKeyIsKnown tries each condition key that AWS lists on each request of
// the connection's: what is not known is not false, and what is known decides.
func TestEveryKeyIsKnown(t *testing.T) {
	t.Parallel()
	const session = "arn:aws:sts::111122223333:assumed-role/media/rolecall"
	for kind, actions := range map[policy.Kind][]string{
		policy.TrustDocument: {"sts:AssumeRole"}, policy.BucketDocument: {"s3:GetObject", "s3:ListBucket", "s3:PutObject"}, policy.KeyDocument: {"kms:Decrypt"},
	} {
		for _, action := range actions {
			judged := judgeOf(t, kind, action)
			for _, key := range append(catalog().keys, catalog().global...) {
				key = strings.ReplaceAll(key, "*", "any")
				who := session
				if kind == policy.TrustDocument {
					who = "arn:aws:iam::873682911326:role/Worker"
				}
				state, values := known.Of(key, action, who)
				there := state == known.Present || state == known.Listed || inContext(key, action)
				for effect, wantDenied := range map[string]bool{"Allow": !there, "Deny": there} {
					asks := fmt.Sprintf(`{"Null":{%q:"false"}}`, key)
					unknown := state == known.Unknown && !inContext(key, action)
					if denied, open := judged(effect, asks); open != unknown || denied != (wantDenied && !unknown) {
						t.Errorf("%s of %s in %s under %s: denied %v, open %v", key, action, effect, asks, denied, open)
					}
					if state != known.Present && state != known.Unknown || inContext(key, action) {
						continue
					}
					asks = fmt.Sprintf(`{"StringLike":{%q:"some?value"}}`, key)
					if denied, open := judged(effect, asks); denied || !open {
						t.Errorf("%s of %s in %s under %s: denied %v, open %v", key, action, effect, asks, denied, open)
					}
				}
				if state == known.Listed && len(values) == 1 {
					asks := fmt.Sprintf(`{"StringNotEquals":{%q:%q}}`, key, values[0])
					if denied, open := judged("Deny", asks); denied || open {
						t.Errorf("%s of %s has the value %s: denied %v, open %v", key, action, values[0], denied, open)
					}
				}
			}
		}
	}
}

// TestNeverThereAndDepends tries each condition key on each document: what is said
// to be never there is not said to be what the access depends on.
func TestNeverThereAndDepends(t *testing.T) {
	t.Parallel()
	for kind, action := range map[policy.Kind]string{policy.TrustDocument: "sts:AssumeRole", policy.BucketDocument: "s3:GetObject", policy.KeyDocument: "kms:Decrypt"} {
		kit := kitOf(action)
		made, err := policy.Generate(*kit)
		if err != nil {
			t.Fatal(err)
		}
		for _, key := range append(catalog().keys, catalog().global...) {
			key = strings.ReplaceAll(key, "*", "any")
			for _, deny := range []string{`{"StringNotEquals":{%q:"yes"}}`, `{"Null":{%q:"true"}}`} {
				document := strings.Replace(string(made.Document(kind).JSON()), `"Statement":[`,
					fmt.Sprintf(`"Statement":[{"Sid":"No","Effect":"Deny","Principal":"*","Action":"*","Resource":"*","Condition":`+deny+`},`, key), 1)
				if kind == policy.TrustDocument {
					document = strings.Replace(document, `"Resource":"*",`, "", 1)
				}
				findings := Check([]File{{Name: "p", Data: []byte(document)}}, Options{Kind: kind, Kit: kit}).Files[0].Findings
				for _, f := range findings {
					for _, other := range findings {
						if f.Rule != "access-depends" || other.Rule != "condition-key-action" && other.Rule != "access-missing" {
							continue
						}
						for _, a := range strings.FieldsFunc(f.Message, func(c rune) bool { return c == ' ' || c == ',' }) {
							if strings.Contains(a, ":") && strings.Contains(f.Message, key) && strings.Contains(other.Message, a+" ") {
								t.Errorf("%s and %s of %s in %s", f.Message, other.Message, key, kind)
							}
						}
					}
				}
			}
		}
	}
}

// inContext reports whether the connection's request has the key with a value of its own.
func inContext(key, action string) bool {
	switch strings.ToLower(key) {
	case "aws:principalarn", "aws:principalaccount", "aws:resourceaccount":
		return true
	case "sts:externalid":
		return action == "sts:AssumeRole"
	case "s3:resourceaccount":
		return strings.HasPrefix(action, "s3:")
	case "aws:requestedregion":
		return action != "sts:AssumeRole"
	case "kms:viaservice", "kms:calleraccount":
		return strings.HasPrefix(action, "kms:")
	case "s3:prefix":
		return action == "s3:ListBucket"
	case "s3:x-amz-server-side-encryption", "s3:x-amz-server-side-encryption-aws-kms-key-id":
		return action == "s3:PutObject"
	}
	return false
}

// kitOf returns what is known of a connection that asks for the action.
func kitOf(action string) *policy.KitRequest {
	c := rolecall.Connection{
		Name: "cross", Purpose: rolecall.Source, Bucket: "acme-masters", Prefix: "in/", Region: "eu-central-1", BucketOwner: "444455556666",
		RoleARN:    "arn:aws:iam::111122223333:role/media",
		Encryption: &rolecall.Encryption{Type: "aws:kms", Key: "arn:aws:kms:eu-central-1:444455556666:key/1234abcd-12ab-34cd-56ef-1234567890ab"},
	}
	if action == "s3:PutObject" {
		c.Purpose = rolecall.Delivery
	}
	return &policy.KitRequest{
		Connection: c, Principals: []string{"arn:aws:iam::873682911326:role/Worker"}, ExternalIDs: []string{"5f2c9a2e7b1d4c0f9e8d7c6b5a493827"},
	}
}

// judgeOf returns a judge of documents that would let the connection's request for an
// action pass but for a condition, which is said to be denied, or to be open.
func judgeOf(t *testing.T, kind policy.Kind, action string) func(effect, asks string) (denied, open bool) {
	t.Helper()
	kit := kitOf(action)
	made, err := policy.Generate(*kit)
	if err != nil {
		t.Fatal(err)
	}
	right := read(string(made.Document(kind).JSON()))[0].root
	return func(effect, asks string) (denied, open bool) {
		t.Helper()
		root := right.Clone()
		list := root.Get("Statement")
		condition := read(asks)[0].root
		if effect == "Deny" {
			deny := list.Items[0].Clone()
			for _, s := range list.Items {
				if slices.Contains(s.Get("Action").Strings(), action) {
					deny = s.Clone()
				}
			}
			deny.Get("Effect").Text, deny.Get("Sid").Text = "Deny", "Not"
			deny.Get("Effect").Source, deny.Get("Sid").Source = "", ""
			deny.Remove("Condition")
			deny.Set("Condition", condition)
			list.Items = append(list.Items, deny)
		} else {
			for _, s := range list.Items {
				for _, m := range condition.Members {
					(&statement{Node: s}).addCondition(m.Name, m.Value.Members[0].Name, m.Value.Members[0].Value.Clone())
				}
			}
		}
		for _, n := range newPass(&accessMissing, document{root: root}, kind, Options{Kind: kind, Kit: kit}).needs() {
			denied = denied || slices.Contains(n.denied, action) || slices.Contains(n.lacking, action)
			open = open || slices.Contains(n.open, action)
		}
		return denied, open
	}
}
