package state

import (
	"io/fs"
	"os"
	"path/filepath"
)

// Exposure is what users other than this one and the superuser can do with a
// file.
type Exposure struct{ Read, Write bool }

// ExposureOf returns the exposure of a file, by the rule for files of the state
// directory: by its owner and mode, and by those of the directory that it is in,
// where another file could be put in its place.
func ExposureOf(path string) (Exposure, error) {
	path, err := filepath.EvalSymlinks(path)
	if err != nil {
		return Exposure{}, err
	}
	file, err := os.Stat(path)
	if err != nil {
		return Exposure{}, err
	}
	dir, err := os.Stat(filepath.Dir(path))
	if err != nil {
		return Exposure{}, err
	}
	foreign := func(info fs.FileInfo) bool { return !ours(info) && !roots(info) }
	others := func(info fs.FileInfo, bits fs.FileMode) bool { return foreign(info) || info.Mode().Perm()&bits != 0 }
	return Exposure{
		Read:  others(file, 0o044),
		Write: others(file, 0o022) || foreign(dir) || others(dir, 0o022) && dir.Mode()&fs.ModeSticky == 0,
	}, nil
}
