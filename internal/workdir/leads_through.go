package workdir

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// LeadsThrough reports whether a path leads to or through the directory, also
// by links. Whoever can write below the directory then decides what the path
// finds. Neither needs to exist. If a directory below dir is mounted at a
// second path, that path is not recognized.
func LeadsThrough(dir, path string) (bool, error) {
	dirs, err := lookups(dir)
	if err != nil {
		return false, err
	}
	through, err := lookups(path)
	if err != nil {
		return false, err
	}
	last := dirs[len(dirs)-1]
	info, missing := os.Stat(last)
	for _, passed := range through {
		if passed == last {
			return true, nil
		}
		// A directory can have several names: by mounts, or in upper and lower case.
		if other, err := os.Stat(passed); err == nil && missing == nil && os.SameFile(other, info) {
			return true, nil
		}
	}
	return false, nil
}

// FilesOf returns the file at a path and the links that lead to it. It returns
// nothing if the path does not lead through the directory.
func FilesOf(dir, path string) []fs.FileInfo {
	if held, err := LeadsThrough(dir, path); err != nil || !held {
		return nil
	}
	var files []fs.FileInfo
	for len(files) < maxLinks {
		info, err := os.Lstat(path)
		if err != nil {
			break
		}
		files = append(files, info)
		target, err := os.Readlink(path)
		if err != nil {
			break // not a link
		}
		if !filepath.IsAbs(target) {
			parent, _ := filepath.Split(path)
			target = parent + target
		}
		path = target
	}
	return files
}

// maxLinks is how many links a path may lead through.
const maxLinks = 255

// lookups returns the directories in which the names of a path are looked up,
// and last where the path leads, all absolute and free of links. Unlike
// filepath.EvalSymlinks it returns what lies between, and continues by name
// where nothing exists. A directory that ".." leaves before a name is looked up
// in it is not included.
func lookups(path string) ([]string, error) {
	if !filepath.IsAbs(path) {
		// Not filepath.Abs, which takes "link/.." for "".
		wd, err := os.Getwd()
		if err != nil {
			return nil, err
		}
		path = wd + string(filepath.Separator) + path
	}
	at, rest := splitRoot(path)
	var through []string
	for links := 0; len(rest) > 0; {
		part := rest[0]
		rest = rest[1:]
		switch part {
		case "", ".":
			continue
		case "..":
			at = filepath.Dir(at)
			continue
		}
		through = append(through, at)
		next := filepath.Join(at, part)
		if target, err := os.Readlink(next); err == nil {
			if links++; links > maxLinks {
				return nil, errors.New(path + " leads through too many links")
			}
			top, parts := splitRoot(target)
			if filepath.IsAbs(target) {
				at = top
			}
			rest = append(parts, rest...)
			continue
		}
		at = next
	}
	return append(through, at), nil
}

// splitRoot returns the root that an absolute path begins with, and the parts
// of the path.
func splitRoot(path string) (top string, parts []string) {
	volume := filepath.VolumeName(path)
	rest := strings.Split(filepath.ToSlash(path[len(volume):]), "/")
	return volume + string(filepath.Separator), rest
}
