//go:build !race

package cli_test

// memoryFactor is how many times as much memory as elsewhere a test takes.
const memoryFactor = 1
