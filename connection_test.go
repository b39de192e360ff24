package rolecall_test

import (
	"testing"

	"github.com/rolecall/rolecall"
)

// The hint for a wrong prefix shows one that is valid.
func TestPrefixHint(t *testing.T) {
	t.Parallel()
	for prefix, want := range map[string]string{
		"out": `You: write "out/"`, "out/*": `You: write "out/"`, "out*": `You: write "out/"`, "*": "You: leave it out for the whole bucket",
	} {
		c := rolecall.Connection{Purpose: rolecall.Source, Bucket: "acme-masters", Prefix: prefix, RoleARN: "arn:aws:iam::111122223333:role/media"}
		if told := rolecall.List(c.Validate()); len(told) != 1 || told[0].Hint != want {
			t.Errorf("%q: %v, want %s", prefix, told, want)
		}
	}
}
