// Package sigv4 verifies AWS Signature Version 4 on requests that a server
// received: in the Authorization header, in a presigned query, and over
// bodies that are hashed whole, left unsigned, or sent in aws-chunked pieces
// with or without trailers.
//
// Call [Parse] to read who claims to have signed, then [Signature.Verify] with
// that access key's secret. Verify replaces the body by a reader that decodes
// the chunks and fails where a hash or a chunk's signature is wrong. The body
// is proved only once it was read to its end: a handler must not act on it
// before.
//
// The package knows nothing of accounts, sessions or policies.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv.html
package sigv4
