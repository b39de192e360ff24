package state

import (
	"errors"
	"io/fs"
	"path/filepath"
)

const (
	sealingFile = "seal.json"
	headsFile   = "audit-heads.json"
)

// SealingFile is where the sealing keys are, unless the config names a file.
func (d *Dir) SealingFile() string { return filepath.Join(d.path, sealingFile) }

// SealingKeys returns the text of the sealing keys. It first stores what make
// returns where there are none.
func (d *Dir) SealingKeys(first func() []byte) ([]byte, error) {
	text, err := d.readOrCreate(sealingFile, first)
	if err != nil {
		return nil, d.unusable("cannot keep the sealing keys in the state directory ", err)
	}
	return text, nil
}

// AuditHeads returns what KeepAuditHeads has kept; nil if it has nothing yet.
func (d *Dir) AuditHeads() ([]byte, error) {
	text, err := d.read(headsFile)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, nil
	case err != nil:
		return nil, d.unusable("cannot read the heads of audit records in the state directory ", err)
	}
	return text, nil
}

// KeepAuditHeads keeps the last links of audit records, outside the database.
func (d *Dir) KeepAuditHeads(text []byte) error {
	if err := d.write(headsFile, text); err != nil {
		return d.unusable("cannot keep the heads of audit records in the state directory ", err)
	}
	return nil
}
