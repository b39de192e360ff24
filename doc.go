// Package rolecall holds the nouns of working on files in other people's S3
// buckets: organizations, principals, connections, jobs and their tasks, what
// makes each valid, and the one shape of error.
//
// It does no I/O and depends on the standard library only. Policies live in
// package policy, credentials in package credential; the rest is internal.
package rolecall
