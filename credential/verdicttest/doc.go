// Package verdicttest holds what every store of verdicts and claims must do,
// as tests that the store's own package runs.
//
// It knows stores by their contract, credential.Verdicts, only. What a store
// does about damage, about other processes or about time is its own tests'
// concern.
package verdicttest
