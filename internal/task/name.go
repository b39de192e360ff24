package task

import (
	"fmt"
	"path"
	"strings"
	"unicode/utf8"

	"github.com/rolecall/rolecall"
	"github.com/rolecall/rolecall/internal/reserved"
	"github.com/rolecall/rolecall/internal/workdir"
)

// maxComponent is how long one name in a directory may be.
const maxComponent = 255

// localName maps an object's key to a file's name below the working
// directory: the key without the place's prefix, below base. The mapping is
// literal, so different keys have different names; a key that would need
// cleaning has none.
func localName(base, prefix, key string) (string, error) {
	rest, below := strings.CutPrefix(key, prefix)
	refuse := func(why string) (string, error) { return "", noName(key, why) }
	switch {
	case !below:
		return refuse("it is not below " + fmt.Sprintf("%q", prefix))
	case rest == "":
		return refuse("nothing of its key is left below the prefix")
	case !utf8.ValidString(key):
		return refuse("its key is not UTF-8")
	case strings.ContainsRune(key, 0):
		return refuse("its key has a NUL character")
	case strings.HasPrefix(rest, "/"):
		return refuse("its name would be absolute")
	case strings.HasSuffix(rest, "/"):
		return refuse("its key ends in a slash, but it is not an empty directory marker")
	case workdir.IsTemporary(rest):
		return refuse("the name is reserved for files that are being written")
	}
	for _, part := range strings.Split(rest, "/") {
		switch {
		case part == "":
			return refuse("its key has an empty part")
		case part == "." || part == "..":
			return refuse("its key has a part " + part)
		case len(part) > maxComponent:
			return refuse(fmt.Sprintf("a part of its key is longer than %d bytes", maxComponent))
		}
	}
	name := path.Join(base, rest)
	if reserved.Path(name) {
		return refuse("the directory " + reserved.Dir + " is rolecall's own")
	}
	return name, nil
}

func noName(key, why string) error {
	return &rolecall.Error{
		Code:    rolecall.Invalid,
		Message: fmt.Sprintf("the object %q cannot become a file: %s", key, why),
		Hint:    "Customer: rename the object in the bucket",
	}
}

// objectName is the name of the only file of a place that is one object: the
// last part of its key.
func objectName(base, key string) (string, error) {
	prefix := key[:strings.LastIndexByte(key, '/')+1]
	return localName(base, prefix, key)
}

// tree finds names that cannot stand together in one directory tree: a file
// that is another's directory. They are added in their order; the zero value
// is empty.
type tree struct {
	open []piece // the names with which those begin that may still come
}

// add returns the error for a file that would be in one that was added before.
func (t *tree) add(p piece) error {
	// In this order all that begin with a name come right after it.
	for n := len(t.open); n > 0 && !strings.HasPrefix(p.to, t.open[n-1].to); n-- {
		t.open = t.open[:n-1]
	}
	for _, earlier := range t.open {
		if strings.HasPrefix(p.to[len(earlier.to):], "/") {
			return &rolecall.Error{
				Code: rolecall.Invalid, Hint: "Customer: rename one of them in the bucket",
				Message: fmt.Sprintf("the objects %q and %q cannot both become files: one is the other's directory", earlier.Key, p.Key),
			}
		}
	}
	t.open = append(t.open, p)
	return nil
}

// maxFaults bounds how many faults of one kind an answer lists.
const maxFaults = 20

// faultList keeps the first faults of one kind and counts the others, of which
// there may be as many as objects. The zero value is empty.
type faultList struct {
	first rolecall.Errors
	more  int
}

func (l *faultList) add(pointer string, err error) {
	if len(l.first) == maxFaults {
		l.more++
		return
	}
	l.first.AddErr(pointer, err)
}

// err is nil if there are none; else the last one says how many are left out.
func (l *faultList) err() error {
	if l.more == 0 {
		return l.first.Err()
	}
	last := *l.first[maxFaults-1]
	last.Message += fmt.Sprintf(" (and %d more like it)", l.more)
	return append(append(rolecall.Errors(nil), l.first[:maxFaults-1]...), &last)
}

// few shortens a list of faults in the same way.
func few(faults rolecall.Errors) error {
	var l faultList
	for _, e := range faults {
		l.add("", e)
	}
	return l.err()
}
