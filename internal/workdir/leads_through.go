package workdir

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// Holds reports whether a path leads to or through the directory, by links too:
// who can write below it then decides what is found there. Neither need exist.
// A place that lies below the directory and is mounted elsewhere as well is
// not recognized by the path elsewhere.
func Holds(dir, path string) (bool, error) {
	to, err := way(dir)
	if err != nil {
		return false, err
	}
	through, err := way(path)
	if err != nil {
		return false, err
	}
	last := to[len(to)-1]
	held, missing := os.Stat(last)
	for _, at := range through {
		if at == last {
			return true, nil
		}
		// Of other names too: a directory that is mounted twice, upper and lower case.
		if info, err := os.Stat(at); err == nil && missing == nil && os.SameFile(info, held) {
			return true, nil
		}
	}
	return false, nil
}

// FilesOf returns the file at a path and the links that lead to it, or nothing
// where the directory does not hold it.
func FilesOf(dir, path string) []fs.FileInfo {
	if held, err := Holds(dir, path); err != nil || !held {
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
			break // it is no link
		}
		if !filepath.IsAbs(target) {
			parent, _ := filepath.Split(path)
			target = parent + target
		}
		path = target
	}
	return files
}

// maxLinks is how many links a path leads through at most.
const maxLinks = 255

// way gives the directories in which a path has a name looked up, and last
// where it leads: absolute and free of links. Unlike filepath.EvalSymlinks it
// gives what lies between, and goes on by name where nothing is there yet. What
// ".." leaves again without a look at its names has no say in it.
func way(path string) ([]string, error) {
	if !filepath.IsAbs(path) {
		// Not filepath.Abs, which takes "link/.." for "".
		wd, err := os.Getwd()
		if err != nil {
			return nil, err
		}
		path = wd + string(filepath.Separator) + path
	}
	at, rest := split(path)
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
			top, parts := split(target)
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

// split gives the top of the tree that an absolute path is in, and the parts
// of the path.
func split(path string) (top string, parts []string) {
	volume := filepath.VolumeName(path)
	rest := strings.Split(filepath.ToSlash(path[len(volume):]), "/")
	return volume + string(filepath.Separator), rest
}
