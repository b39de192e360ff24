//go:build !unix

package transfer

// objectsOpen is how many objects may move side by side.
func objectsOpen() int { return objectsAtMost }
