package lint

import (
	"fmt"
	"strings"
	"testing"

	"github.com/rolecall/rolecall"
	"github.com/rolecall/rolecall/policy"
	"github.com/rolecall/rolecall/policy/internal/known"
)

// TestEveryKeyIsKnown tries each condition key that AWS lists on a request of
// the connection's: what is not known is not false, and what is known decides.
func TestEveryKeyIsKnown(t *testing.T) {
	t.Parallel()
	const session = "arn:aws:sts::111122223333:assumed-role/media/rolecall"
	for _, key := range append(catalog().keys, catalog().global...) {
		service, _, _ := strings.Cut(key, ":")
		if !known.Has(key) && service != "cloudfront" {
			t.Errorf("%s: nothing is said of it", key)
			continue
		}
		key = strings.ReplaceAll(key, "*", "any")
		for kind, action := range map[policy.Kind]string{policy.TrustDocument: "sts:AssumeRole", policy.BucketDocument: "s3:GetObject", policy.KeyDocument: "kms:Decrypt"} {
			who := session
			if kind == policy.TrustDocument {
				who = "arn:aws:iam::873682911326:role/Worker"
			}
			state, values := known.Of(key, action, who)
			there := state == known.Present || state == known.Listed || inContext(key, kind)
			for effect, wantDenied := range map[string]bool{"Allow": !there, "Deny": there} {
				asks := fmt.Sprintf(`{"Null":{%q:"false"}}`, key)
				unknown := state == known.Unknown && !inContext(key, kind)
				if denied, open := judgeBy(t, kind, effect, asks); open != unknown || denied != (wantDenied && !unknown) {
					t.Errorf("%s of %s in %s under %s: denied %v, open %v", key, action, effect, asks, denied, open)
				}
				if state != known.Present && state != known.Unknown || inContext(key, kind) {
					continue
				}
				asks = fmt.Sprintf(`{"StringLike":{%q:"some?value"}}`, key)
				if denied, open := judgeBy(t, kind, effect, asks); denied || !open {
					t.Errorf("%s of %s in %s under %s: denied %v, open %v", key, action, effect, asks, denied, open)
				}
			}
			if state == known.Listed && len(values) == 1 {
				asks := fmt.Sprintf(`{"StringNotEquals":{%q:%q}}`, key, values[0])
				if denied, open := judgeBy(t, kind, "Deny", asks); denied || open {
					t.Errorf("%s of %s has the value %s: denied %v, open %v", key, action, values[0], denied, open)
				}
			}
		}
	}
}

// inContext reports whether the connection's request has the key with a value of its own.
func inContext(key string, kind policy.Kind) bool {
	switch strings.ToLower(key) {
	case "aws:principalarn", "aws:principalaccount", "aws:resourceaccount":
		return true
	case "sts:externalid":
		return kind == policy.TrustDocument
	case "s3:resourceaccount":
		return kind == policy.BucketDocument
	case "aws:requestedregion":
		return kind != policy.TrustDocument
	case "kms:viaservice", "kms:calleraccount":
		return kind == policy.KeyDocument
	}
	return false
}

// judgeBy judges a document that would let the connection's request pass but for a
// condition, and returns whether it is said to be denied, or to be open.
func judgeBy(t *testing.T, kind policy.Kind, effect, asks string) (denied, open bool) {
	t.Helper()
	const id = "5f2c9a2e7b1d4c0f9e8d7c6b5a493827"
	c := rolecall.Connection{
		Name: "cross", Purpose: rolecall.Source, Bucket: "acme-masters", Prefix: "in/", Region: "eu-central-1", BucketOwner: "444455556666",
		RoleARN:    "arn:aws:iam::111122223333:role/media",
		Encryption: &rolecall.Encryption{Type: "aws:kms", Key: "arn:aws:kms:eu-central-1:444455556666:key/1234abcd-12ab-34cd-56ef-1234567890ab"},
	}
	kit := &policy.KitRequest{Connection: c, Principals: []string{"arn:aws:iam::873682911326:role/Worker"}, ExternalIDs: []string{id}}
	made, err := policy.Generate(*kit)
	if err != nil {
		t.Fatal(err)
	}
	root := read(string(made.Document(kind).JSON()))[0].root
	list := root.Get("Statement")
	condition := read(asks)[0].root
	if effect == "Deny" {
		deny := list.Items[0].Clone()
		for _, s := range list.Items {
			if strings.Contains(string(s.Get("Action").JSON()), "GetObject") {
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
		denied = denied || len(n.denied)+len(n.lacking) > 0
		open = open || len(n.open) > 0
	}
	return denied, open
}
