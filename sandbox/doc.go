// Package sandbox is a local AWS for tests and demonstrations: STS, S3 and
// enough of IAM and KMS that a client sees what it would see on the real one
// when a policy, a trust, a key, a session or a signature is not right.
//
// Call [ParseConfig] or [LoadConfig] with a sandbox.yaml, which declares
// accounts with their users, roles, buckets and keys, then [Start], and use
// [Server.URL] as the endpoint of AWS clients. Call [Server.Close] at the end.
// In a test, package sandboxtest does all of that in one call.
//
// One HTTP port answers for all services; the scope of a request's signature
// says which one is meant. Users, roles, buckets and keys can also be made and
// changed by the calls of IAM, S3 and KMS. Policies are evaluated by package
// policy and nowhere else.
//
// Faults that the config declares make the server as unreliable as wanted, and
// [Server.Trail] returns who asked for what. Objects are not encrypted, and are
// removed when the server closes.
package sandbox
