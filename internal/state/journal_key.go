package state

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"fmt"

	"github.com/rolecall/rolecall"
)

const (
	journalKeyFile  = "journal.key"
	journalKeyBytes = 32
)

// NewJournalKey returns a key that the keys of organizations' journals can be
// derived from.
func NewJournalKey() []byte {
	key := make([]byte, journalKeyBytes)
	_, _ = rand.Read(key) // never fails; see crypto/rand
	return key
}

// JournalKey returns the key that journals of an organization's jobs are sealed
// with. It is derived from one that is made once, and stays here, out of the reach
// of a job's programs.
func (d *Dir) JournalKey(organization string) ([]byte, error) {
	key, err := d.readOrCreate(journalKeyFile, NewJournalKey)
	if err != nil {
		return nil, d.unusable("cannot keep the key of journals in the state directory ", err)
	}
	if err := checkJournalKey(key); err != nil {
		return nil, err
	}
	return DeriveJournalKey(key, organization), nil
}

func checkJournalKey(key []byte) error {
	if len(key) == journalKeyBytes {
		return nil
	}
	return &rolecall.Error{
		Code: rolecall.Invalid, Message: fmt.Sprintf("%s in the state directory is %d bytes long, not %d", journalKeyFile, len(key), journalKeyBytes),
		Hint: "Operator: remove the file, and another is made; jobs that are unfinished begin again",
	}
}

// DeriveJournalKey returns an organization's key of journals, given the one that
// all are derived from.
func DeriveJournalKey(key []byte, organization string) []byte {
	of := hmac.New(sha256.New, key)
	of.Write([]byte("journals of " + organization))
	return of.Sum(nil)
}
