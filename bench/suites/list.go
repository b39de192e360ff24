package main

import (
	"embed"
	"fmt"
	"path"
	"strings"
)

//go:embed lists
var lists embed.FS

// list says which of a suite's tests are not run, since the sandbox does not
// claim what they test, and which fail.
type list struct {
	unclaimed []string          // patterns of path.Match
	failures  map[string]string // the reason by the test's name
}

// readList reads a suite's list. A line that begins with "not claimed: " or
// "fails: " says why, and the lines below it which tests.
func readList(name string) (*list, error) {
	file := "lists/" + name + ".txt"
	text, err := lists.ReadFile(file)
	if err != nil {
		return nil, err
	}
	l := &list{failures: map[string]string{}}
	reason, claimed := "", true
	for i, line := range strings.Split(string(text), "\n") {
		line = strings.TrimSpace(line)
		if why, ok := strings.CutPrefix(line, "fails: "); ok {
			reason, claimed = why, true
			continue
		}
		if why, ok := strings.CutPrefix(line, "not claimed: "); ok {
			reason, claimed = why, false
			continue
		}
		switch {
		case line == "" || strings.HasPrefix(line, "#"):
		case reason == "":
			return nil, fmt.Errorf("%s:%d: no reason for %s", file, i+1, line)
		case !claimed:
			if _, err := path.Match(line, ""); err != nil {
				return nil, fmt.Errorf("%s:%d: %w", file, i+1, err)
			}
			l.unclaimed = append(l.unclaimed, line)
		case l.failures[line] != "":
			return nil, fmt.Errorf("%s:%d: %s is listed twice", file, i+1, line)
		default:
			l.failures[line] = reason
		}
	}
	return l, nil
}

// excludes reports whether a test is of something that the sandbox does not
// claim.
func (l *list) excludes(test string) bool {
	for _, pattern := range l.unclaimed {
		if ok, _ := path.Match(pattern, test); ok {
			return true
		}
	}
	return false
}
