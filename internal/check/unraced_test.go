//go:build !race

package check_test

// oneOf is every how many of the breakages are tried: all.
const oneOf = 1
