// Package sandbox is a local AWS that refuses properly: STS, S3 and enough of
// IAM and KMS that a client sees what it would see on the real one when a
// policy, a trust, a key, a session or a signature is not right.
//
// One HTTP port answers for all services; the scope of the signature tells
// which one is meant. Identities, roles, buckets and keys come from a Config,
// and may be made and changed by IAM's, S3's and KMS's own calls. Who may do
// what is decided by the evaluator of package policy and by nothing here. S3's
// protocol and storage are package s3, signatures package sigv4.
//
// Faults, given in the config, make it as unreliable as wanted, and the trail
// keeps who asked for what. It is for tests and demonstrations: what it holds
// is neither encrypted nor kept.
package sandbox
