// Package reserved says which names in a job's working directory are
// rolecall's own. What reads and writes them is in packages journal and job.
package reserved

import "strings"

// Dir is the directory in a job's working directory that is rolecall's own:
// what it notes there, to go on with an interrupted job, is no file of the job.
const Dir = ".rolecall"

// Path reports whether a path relative to the working directory, or a pattern
// of such, leads into Dir. Upper and lower case are alike, as they are to some
// file systems.
func Path(path string) bool {
	first, _, _ := strings.Cut(path, "/")
	return strings.EqualFold(first, Dir)
}
