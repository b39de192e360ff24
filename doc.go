// Package rolecall describes work on files in other people's S3 buckets, and
// plans it. It does no I/O.
//
// Call [ReadPlan] with a job's JSON, the Organization that it is for and the
// Vendor whose workers run it. The Plan says for each step which bucket, role
// and external id it needs. Call [Connection.Validate] to check a connection by
// itself, and [List] to show any error to a user: all faults at once, each with
// its place in the document.
//
// Other packages do the rest: policy generates and evaluates the IAM policies of
// a connection, credential assumes roles that are proved safe, and sandbox is a
// local AWS to test with. See docs/examples/library for a program that uses
// them. The command rolecall runs plans.
package rolecall
