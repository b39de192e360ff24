package explain_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"os"
	"testing"

	"github.com/rolecall/rolecall/internal/hinttest"
	"github.com/rolecall/rolecall/policy/explain"
)

// changeless are the hints that add nothing to a document: what to look at, to ask
// for or to give, and Denies whose conditions only their author knows.
var changeless = []string{
	"You: compare the key's ARN and region with those of the bucket's encryption",
	"Operator: declare the account that owns the bucket as bucket_owner",
	"You: set requester_pays; AWS then charges the caller's account for requests and traffic",
	"Customer: allow the caller in the …, if it is of another account; look for a Deny on TLS, encryption, address or VPC endpoint",
	"You: ask for the role by its ARN, arn:aws:iam::ACCOUNT:role/NAME",
	"You: compare the ARN letter by letter: account, path and name; case counts",
	"…: remove the Deny, or except … from it; look at its conditions: TLS, encryption, address, VPC endpoint, organization",
	"…: have the organization's administrators remove the Deny, or except … from it by ArnNotEquals on aws:PrincipalArn",
	"Operator: report this as a fault of rolecall's, which asked for less than is needed here",
	"…: give the principal credentials that may assume roles",
	"…: have the organization's administrators attach AWS's own policy RCPFullAWSAccess again, at every level above the account",
	"You: give the whole message, such as \"User: … is not authorized to perform: … on resource: …\"",
	"Customer: compare its conditions with …",
	"Customer: name in its Principal, as Federated, the ARN of the provider that made the …, and in its Action …",
	"Customer: look in it for a Deny of this action, and at its conditions",
	"You: look up … among the errors of …'s API, and read the text that came with it",
	"Customer: name who is allowed in the place of everyone, or narrow the star by a condition; no policy is at fault",
}

// TestHints checks that each hint that names a change comes with a statement that
// makes it: that this allows what was refused is checked by sound.
func TestHints(t *testing.T) {
	t.Parallel()
	data, err := os.ReadFile("testdata/messages.json")
	if err != nil {
		t.Fatal(err)
	}
	var golden map[string]explain.Explanation
	if err := json.Unmarshal(data, &golden); err != nil {
		t.Fatal(err)
	}
	var done []string
	add := func(e explain.Explanation) {
		sound(t, e)
		for _, c := range e.Candidates {
			if err := hinttest.Check(c.Hint); err != nil {
				t.Error(err)
			}
			if c.Add != nil {
				done = append(done, c.Hint)
			}
		}
	}
	for _, e := range golden {
		add(e)
	}
	reports, err := os.ReadFile("testdata/reports.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	for lines := bufio.NewScanner(bytes.NewReader(reports)); lines.Scan(); {
		var c struct{ Text string }
		if err := json.Unmarshal(lines.Bytes(), &c); err != nil {
			t.Fatal(err)
		}
		e, err := explain.Message(c.Text)
		if err != nil {
			t.Fatal(err)
		}
		add(e)
	}
	e, err := explain.Message(`User: arn:aws:iam::111122223333:user/bob is not authorized to perform: s3:GetObject on resource: "arn:aws:s3:::b/k" because no VPC endpoint policy allows the s3:GetObject action`)
	if err != nil {
		t.Fatal(err)
	}
	add(e)
	done = append(done, follow(t)...)
	hinttest.Followed(t, ".", done, changeless)
}
