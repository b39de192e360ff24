// Package demo runs a job across two customers' accounts on the sandbox and
// reports what happened: which roles were probed and assumed, what was moved,
// and what was refused. Every line of the story comes from the events of the
// job, the answers of STS and S3, or the objects in the sandbox. What turns out
// otherwise than expected is an error.
//
// The demo starts from the three files that a user writes, a sandbox.yaml, a
// rolecall.yaml and a job, and uses the same packages. Package cli formats the
// story.
package demo
