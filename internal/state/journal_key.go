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

// JournalKey returns the key that journals of an organization's jobs are sealed
// with. It is derived from one that is made once, and stays here, out of the reach
// of a job's programs.
func (d *Dir) JournalKey(organization string) ([]byte, error) {
	key, err := d.readOrCreate(journalKeyFile, func() []byte {
		key := make([]byte, journalKeyBytes)
		_, _ = rand.Read(key) // never fails; see crypto/rand
		return key
	})
	switch {
	case err != nil:
		return nil, d.unusable("cannot keep the key of journals in the state directory ", err)
	case len(key) != journalKeyBytes:
		return nil, &rolecall.Error{
			Code: rolecall.Invalid, Message: fmt.Sprintf("%s in the state directory is %d bytes long, not %d", journalKeyFile, len(key), journalKeyBytes),
			Hint: "Operator: remove the file, and another is made; jobs that are unfinished begin again",
		}
	}
	of := hmac.New(sha256.New, key)
	of.Write([]byte("journals of " + organization))
	return of.Sum(nil), nil
}
