package known

import (
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rolecall/rolecall/internal/awsaction"
)

var update = flag.Bool("update", false, "write testdata/keys.txt")

// actions are those that a connection asks for, one or two of each service and
// kind of resource.
var actions = []string{"sts:AssumeRole", "sts:TagSession", "s3:ListBucket", "s3:GetObject", "s3:PutObject", "s3:AbortMultipartUpload", "kms:Decrypt", "kms:GenerateDataKey"}

// TestKeys compares what is known of each condition key that AWS lists with
// testdata/keys.txt, which is for reading: a change of it is a change of what
// rolecall takes for granted.
func TestKeys(t *testing.T) {
	t.Parallel()
	facts := awsaction.Read()
	keys := slices.Concat(facts.Global, facts.Keys)
	slices.SortFunc(keys, func(a, b string) int { return strings.Compare(strings.ToLower(a), strings.ToLower(b)) })
	names := []string{Unknown: "unknown", Present: "present", Absent: "-", Listed: ""}
	var b strings.Builder
	fmt.Fprintf(&b, "# key: %s\n", strings.Join(actions, ", "))
	for _, key := range slices.Compact(keys) {
		service, _, _ := strings.Cut(key, ":")
		if find(key).keys == "" && service != "cloudfront" {
			t.Errorf("%s: nothing is said of it", key)
		}
		var states []string
		for _, action := range actions {
			who := "arn:aws:sts::111122223333:assumed-role/media/rolecall"
			if strings.HasPrefix(action, "sts:") {
				who = "arn:aws:iam::873682911326:role/Worker"
			}
			state, values := Of(key, action, who)
			if has, listed := awsaction.Has(action, key); listed && !has && state != Absent {
				t.Errorf("%s of %s: AWS does not list it", key, action)
			}
			states = append(states, names[state]+strings.Join(values, "|"))
		}
		if slices.ContainsFunc(states, func(s string) bool { return s != "-" }) {
			fmt.Fprintf(&b, "%s: %s\n", key, strings.Join(states, ", "))
		}
	}
	const file = "testdata/keys.txt"
	if *update {
		if err := os.WriteFile(file, []byte(b.String()), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), b.String()); diff != "" {
		t.Errorf("go test -update writes it (-want +got):\n%s", diff)
	}
}
