//go:build race

package cli_test

// memoryFactor is how many times as much memory the race detector takes.
// https://go.dev/doc/articles/race_detector#Runtime_Overheads
const memoryFactor = 10
