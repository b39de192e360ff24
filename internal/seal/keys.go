// Package seal keeps secrets unreadable where they are stored: each value is
// sealed under a data key of its organization, and each data key under the
// sealing key, which is in a file outside the database. A copy of the database
// alone opens nothing, and a value moved to another organization, name or
// version does not open.
//
// Where sealed values and wrapped keys are stored is package store's concern.
package seal

import (
	"bytes"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/tink-crypto/tink-go/v2/aead"
	"github.com/tink-crypto/tink-go/v2/aead/subtle"
	"github.com/tink-crypto/tink-go/v2/insecurecleartextkeyset"
	"github.com/tink-crypto/tink-go/v2/keyset"
	"github.com/tink-crypto/tink-go/v2/tink"

	"github.com/rolecall/rolecall"
)

// Keys are the keys outside the database: the sealing keys, of which the newest
// wraps and all open, and the key of audit records. They are safe for use by
// many goroutines.
type Keys struct {
	handle *keyset.Handle
	aead   tink.AEAD
	audit  []byte
}

// keyFile is how Keys are written.
type keyFile struct {
	Sealing json.RawMessage `json:"sealing"` // a Tink keyset, in the clear: whoever reads the file has the keys
	Audit   []byte          `json:"audit"`
}

const keyBytes = 32

// New returns new keys.
func New() (*Keys, error) {
	handle, err := keyset.NewHandle(aead.XChaCha20Poly1305KeyTemplate())
	if err != nil {
		return nil, fmt.Errorf("make sealing key: %w", err)
	}
	return with(handle, random())
}

func random() []byte {
	key := make([]byte, keyBytes)
	_, _ = rand.Read(key) // never fails; see crypto/rand
	return key
}

func with(handle *keyset.Handle, audit []byte) (*Keys, error) {
	primitive, err := aead.New(handle)
	if err != nil {
		return nil, fmt.Errorf("use sealing key: %w", err)
	}
	return &Keys{handle, primitive, audit}, nil
}

// Read reads keys as Text writes them. The code of its error is Invalid.
func Read(text []byte) (*Keys, error) {
	wrong := func(err error) error {
		return &rolecall.Error{
			Code: rolecall.Invalid, Pointer: "/sealing/key_file", Message: "the file holds no sealing keys", Err: err,
			Hint: "Operator: restore the file from its backup; without it, stored secrets cannot be opened",
		}
	}
	var f keyFile
	if err := json.Unmarshal(text, &f); err != nil || len(f.Audit) != keyBytes {
		return nil, wrong(err)
	}
	handle, err := insecurecleartextkeyset.Read(keyset.NewJSONReader(bytes.NewReader(f.Sealing)))
	if err != nil {
		return nil, wrong(err)
	}
	k, err := with(handle, f.Audit)
	if err != nil {
		return nil, wrong(err)
	}
	return k, nil
}

// Text returns the keys in the form that Read reads. It is as secret as they
// are.
func (k *Keys) Text() ([]byte, error) {
	var sealing bytes.Buffer
	if err := insecurecleartextkeyset.Write(k.handle, keyset.NewJSONWriter(&sealing)); err != nil {
		return nil, fmt.Errorf("write sealing key: %w", err)
	}
	return json.MarshalIndent(keyFile{sealing.Bytes(), k.audit}, "", "  ")
}

// Rotated returns the keys with a new sealing key, which wraps from then on.
// The others still open.
func (k *Keys) Rotated() (*Keys, error) {
	manager := keyset.NewManagerFromHandle(k.handle)
	id, err := manager.Add(aead.XChaCha20Poly1305KeyTemplate())
	if err == nil {
		err = manager.SetPrimary(id)
	}
	if err != nil {
		return nil, fmt.Errorf("rotate sealing key: %w", err)
	}
	handle, err := manager.Handle()
	if err != nil {
		return nil, fmt.Errorf("rotate sealing key: %w", err)
	}
	return with(handle, k.audit)
}

// String does not show the keys.
func (*Keys) String() string { return "keys" }

// GoString does not show the keys.
func (*Keys) GoString() string { return "keys" }

// MarshalJSON does not show the keys.
func (*Keys) MarshalJSON() ([]byte, error) { return []byte(`"keys"`), nil }

// ErrCannotOpen says that what is sealed was sealed under other keys, for
// something else, or was changed.
var ErrCannotOpen = errors.New("it was sealed under another key, for something else, or was changed")

// NewDataKey makes the data key of an organization, and returns it wrapped, to
// be stored.
func (k *Keys) NewDataKey(organization string) (wrapped []byte, err error) {
	return k.wrap(organization, random())
}

func (k *Keys) wrap(organization string, key []byte) ([]byte, error) {
	wrapped, err := k.aead.Encrypt(key, data("data key", organization))
	if err != nil {
		return nil, fmt.Errorf("wrap data key: %w", err)
	}
	return wrapped, nil
}

// Rewrap wraps a data key under the newest sealing key.
func (k *Keys) Rewrap(organization string, wrapped []byte) ([]byte, error) {
	key, err := k.unwrap(organization, wrapped)
	if err != nil {
		return nil, err
	}
	return k.wrap(organization, key)
}

func (k *Keys) unwrap(organization string, wrapped []byte) ([]byte, error) {
	key, err := k.aead.Decrypt(wrapped, data("data key", organization))
	if err != nil {
		return nil, ErrCannotOpen
	}
	return key, nil
}

// Label is what a sealed value is: it opens as nothing else.
type Label struct {
	Kind, Name string
	Version    int64
}

// Seal seals a value of an organization's under its wrapped data key.
func (k *Keys) Seal(organization string, wrapped []byte, about Label, plain []byte) ([]byte, error) {
	cipher, err := k.cipher(organization, wrapped)
	if err != nil {
		return nil, err
	}
	sealed, err := cipher.Encrypt(plain, about.data(organization))
	if err != nil {
		return nil, fmt.Errorf("seal: %w", err)
	}
	return sealed, nil
}

// Open opens what Seal has sealed. Its error is ErrCannotOpen.
func (k *Keys) Open(organization string, wrapped []byte, about Label, sealed []byte) ([]byte, error) {
	cipher, err := k.cipher(organization, wrapped)
	if err != nil {
		return nil, err
	}
	plain, err := cipher.Decrypt(sealed, about.data(organization))
	if err != nil {
		return nil, ErrCannotOpen
	}
	return plain, nil
}

func (k *Keys) cipher(organization string, wrapped []byte) (tink.AEAD, error) {
	key, err := k.unwrap(organization, wrapped)
	if err != nil {
		return nil, err
	}
	cipher, err := subtle.NewXChaCha20Poly1305(key)
	if err != nil {
		return nil, fmt.Errorf("use data key: %w", err)
	}
	return cipher, nil
}

func (l Label) data(organization string) []byte {
	return binary.BigEndian.AppendUint64(data("value", organization, l.Kind, l.Name), uint64(l.Version))
}

// data is the associated data of these parts, each with its length, so that no
// two lists of parts are the same.
func data(parts ...string) []byte {
	var out []byte
	for _, part := range parts {
		out = binary.BigEndian.AppendUint32(out, uint32(len(part)))
		out = append(out, part...)
	}
	return out
}

// Link returns what links an organization's audit record to the one before it:
// an HMAC under a key that the database does not have.
func (k *Keys) Link(organization string, sequence int64, before, record []byte) []byte {
	mac := hmac.New(sha256.New, k.audit)
	mac.Write(data("audit", organization))
	mac.Write(binary.BigEndian.AppendUint64(nil, uint64(sequence)))
	mac.Write(data(string(before), string(record)))
	return mac.Sum(nil)
}

// SignHeads returns what shows that the last links of audit records, as they are
// kept outside the database, were written by who has the keys.
func (k *Keys) SignHeads(text []byte) []byte {
	mac := hmac.New(sha256.New, k.audit)
	mac.Write(data("heads", string(text)))
	return mac.Sum(nil)
}
