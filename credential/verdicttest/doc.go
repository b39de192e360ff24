// Package verdicttest holds what every store of verdicts and claims must do,
// as tests that its own package runs.
package verdicttest
