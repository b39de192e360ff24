// Package demo runs a job across two customers' accounts on the sandbox and
// tells what happened: which roles were probed and assumed, what moved, and
// what was refused. Every line of the story comes from what was seen, in the
// events of the job, the answers of STS and S3, or the objects in the sandbox;
// what does not turn out as it should is an error.
//
// It starts from the same three files that a user writes, a sandbox.yaml, a
// rolecall.yaml and a job, and goes through the same packages. How the story
// looks is package cli's.
package demo
