package policy_test

import (
	"encoding/json"
	"testing"

	"github.com/rolecall/rolecall/policy"
)

// TestKitIsNamedByKinds checks that a kit's JSON names its documents by their
// kinds, of which enough is known to attach them.
func TestKitIsNamedByKinds(t *testing.T) {
	t.Parallel()
	for _, s := range shapes() {
		kit := s.kit(t)
		text, err := json.Marshal(kit)
		if err != nil {
			t.Fatal(err)
		}
		var members map[policy.Kind]json.RawMessage
		if err := json.Unmarshal(text, &members); err != nil {
			t.Fatal(err)
		}
		delete(members, "reasons")
		for kind, written := range members {
			d := kit.Document(kind)
			if d == nil || string(d.JSON()) != string(written) {
				t.Fatalf("%+v: the document %s is not %s", s, kind, written)
			}
			if kind.Title() == "" || len(written) > kind.Limit() {
				t.Errorf("%s: %q of at most %d", kind, kind.Title(), kind.Limit())
			}
			// A trust, bucket or key policy names principals, which the others may not.
			if err := d.Fit(kind.Layer()); err != nil {
				t.Errorf("%s: %v", kind, err)
			}
		}
	}
}
