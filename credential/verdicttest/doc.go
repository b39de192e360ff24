// Package verdicttest tests what every store of verdicts and claims must do.
// Call [Run] in a test of the store's own package.
//
// It knows stores only by their contract, credential.Verdicts. How a store deals
// with damage, with other processes and with time is for its own tests.
package verdicttest
