//go:build !unix

package transfer

// maxOpenObjects returns how many objects may move in parallel.
func maxOpenObjects() int { return mostObjects }
