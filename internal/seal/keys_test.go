package seal

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/rolecall/rolecall"
)

func newKeys(t *testing.T) *Keys {
	t.Helper()
	k, err := New()
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// A value opens as what it was sealed as, under the keys of then and their
// rotations, and as nothing else.
func TestSeal(t *testing.T) {
	t.Parallel()
	k := newKeys(t)
	wrapped, err := k.NewDataKey("acme")
	if err != nil {
		t.Fatal(err)
	}
	other, err := k.NewDataKey("acme")
	if err != nil {
		t.Fatal(err)
	}
	about := Label{Kind: "secret", Name: "keys", Version: 1}
	plain := []byte("planted-secret")
	sealed, err := k.Seal("acme", wrapped, about, plain)
	if err != nil || bytes.Contains(sealed, plain) {
		t.Fatalf("%q, %v", sealed, err)
	}
	again, err := k.Seal("acme", wrapped, about, plain)
	if err != nil || bytes.Equal(sealed, again) {
		t.Errorf("sealed twice it is the same: %v", err)
	}
	if got, err := k.Open("acme", wrapped, about, sealed); err != nil || !bytes.Equal(got, plain) {
		t.Errorf("%q, %v", got, err)
	}

	changed := bytes.Clone(sealed)
	changed[len(changed)/2] ^= 1
	for name, open := range map[string]func() ([]byte, error){
		"other organization": func() ([]byte, error) { return k.Open("globex", wrapped, about, sealed) },
		"other name": func() ([]byte, error) {
			return k.Open("acme", wrapped, Label{Kind: "secret", Name: "key", Version: 1}, sealed)
		},
		"border between kind and name": func() ([]byte, error) {
			return k.Open("acme", wrapped, Label{Kind: "secretk", Name: "eys", Version: 1}, sealed)
		},
		"other version": func() ([]byte, error) {
			return k.Open("acme", wrapped, Label{Kind: "secret", Name: "keys", Version: 2}, sealed)
		},
		"other data key": func() ([]byte, error) { return k.Open("acme", other, about, sealed) },
		"other keys":     func() ([]byte, error) { return newKeys(t).Open("acme", wrapped, about, sealed) },
		"changed":        func() ([]byte, error) { return k.Open("acme", wrapped, about, changed) },
		"empty":          func() ([]byte, error) { return k.Open("acme", wrapped, about, nil) },
		"no data key":    func() ([]byte, error) { return k.Open("acme", nil, about, sealed) },
	} {
		if got, err := open(); !errors.Is(err, ErrCannotOpen) || got != nil {
			t.Errorf("%s: %q, %v", name, got, err)
		}
	}

	rotated, err := k.Rotated()
	if err != nil {
		t.Fatal(err)
	}
	if got, err := rotated.Open("acme", wrapped, about, sealed); err != nil || !bytes.Equal(got, plain) {
		t.Errorf("after the rotation: %q, %v", got, err)
	}
	rewrapped, err := rotated.Rewrap("acme", wrapped)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := rotated.Open("acme", rewrapped, about, sealed); err != nil || !bytes.Equal(got, plain) {
		t.Errorf("under the new key: %q, %v", got, err)
	}
	if _, err := k.Open("acme", rewrapped, about, sealed); !errors.Is(err, ErrCannotOpen) {
		t.Errorf("under the old key: %v", err)
	}
}

// Keys are read as they were written, and nothing else is taken for keys.
func TestKeysAreRead(t *testing.T) {
	t.Parallel()
	k := newKeys(t)
	wrapped, err := k.NewDataKey("acme")
	if err != nil {
		t.Fatal(err)
	}
	text, err := k.Text()
	if err != nil {
		t.Fatal(err)
	}
	same, err := Read(text)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := same.Rewrap("acme", wrapped); err != nil {
		t.Error(err)
	}
	if !bytes.Equal(same.Link("acme", 1, nil, []byte("{}")), k.Link("acme", 1, nil, []byte("{}"))) {
		t.Error("audit records are linked otherwise")
	}
	for _, wrong := range []string{"", "{}", "null", `{"sealing":{},"audit":""}`, string(text[:len(text)-40]), strings.Replace(string(text), "XChaCha20Poly1305", "Nothing", 1)} {
		if _, err := Read([]byte(wrong)); rolecall.CodeOf(err) != rolecall.Invalid {
			t.Errorf("%.40q: %v", wrong, err)
		}
	}
	if shown := fmt.Sprintf("%v %+v %#v %s", k, k, k, k); strings.ReplaceAll(shown, "keys", "") != "   " {
		t.Errorf("the keys are shown: %s", shown)
	}
}

// Each link depends on all of what it links.
func TestLink(t *testing.T) {
	t.Parallel()
	k := newKeys(t)
	seen := map[string]string{}
	for name, link := range map[string][]byte{
		"first":        k.Link("acme", 1, nil, []byte("{}")),
		"organization": k.Link("globex", 1, nil, []byte("{}")),
		"sequence":     k.Link("acme", 2, nil, []byte("{}")),
		"before":       k.Link("acme", 1, []byte("x"), []byte("{}")),
		"record":       k.Link("acme", 1, nil, []byte("{} ")),
		"key":          newKeys(t).Link("acme", 1, nil, []byte("{}")),
	} {
		if other, ok := seen[string(link)]; ok {
			t.Errorf("%s and %s have one link", name, other)
		}
		seen[string(link)] = name
	}
}
