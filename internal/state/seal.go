package state

import (
	"encoding/json"
	"errors"
	"fmt"
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

// AuditHeads reads what KeepAuditHeads has kept into a map of organizations.
func (d *Dir) AuditHeads(heads any) error {
	text, err := d.read(headsFile)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return d.unusable("cannot read the heads of audit records in the state directory ", err)
	}
	if err := json.Unmarshal(text, heads); err != nil {
		return fmt.Errorf("read %s: %w", headsFile, err)
	}
	return nil
}

// KeepAuditHeads keeps the last links of audit records, outside the database.
func (d *Dir) KeepAuditHeads(heads any) error {
	text, err := json.Marshal(heads)
	if err == nil {
		err = d.write(headsFile, text)
	}
	if err != nil {
		return d.unusable("cannot keep the heads of audit records in the state directory ", err)
	}
	return nil
}
