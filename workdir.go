package rolecall

import "strings"

// OwnDir is the directory in a job's working directory that is rolecall's own:
// what it notes there, to take an interrupted job up again, is no file of the job.
const OwnDir = ".rolecall"

// Reserved tells whether a path relative to the working directory, or a
// pattern of such, leads to rolecall's own. Upper and lower case are alike, as
// they are to some file systems.
func Reserved(path string) bool {
	first, _, _ := strings.Cut(path, "/")
	return strings.EqualFold(first, OwnDir)
}
