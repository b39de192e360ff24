package state

import (
	"crypto/rand"
	"fmt"
)

const (
	journalKeyFile  = "journal.key"
	journalKeyBytes = 32
)

// JournalKey returns the key that journals are sealed with. It is made once,
// and stays here, out of the reach of a job's programs.
func (d *Dir) JournalKey() ([]byte, error) {
	key, err := d.readOrCreate(journalKeyFile, func() []byte {
		key := make([]byte, journalKeyBytes)
		_, _ = rand.Read(key) // never fails; see crypto/rand
		return key
	})
	if err == nil && len(key) != journalKeyBytes {
		err = fmt.Errorf("%s is %d bytes long, not %d", journalKeyFile, len(key), journalKeyBytes)
	}
	if err != nil {
		return nil, d.unusable("cannot keep the key of journals in the state directory ", err)
	}
	return key, nil
}
