//go:build race

package check_test

// oneOf is every how many of the breakages are tried: the race detector makes
// them many times as slow, and each of them goes the same ways side by side.
const oneOf = 10
