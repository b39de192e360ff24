// Package sigv4 verifies AWS Signature Version 4 on requests that a server
// received: in the Authorization header, in a presigned query, and over
// bodies that are hashed whole, left unsigned, or sent in aws-chunked pieces
// with or without trailers.
//
// [Parse] reads who claims to have signed; [Signature.Verify] proves it with
// the secret and puts a reader in place of the body that decodes the chunks
// and fails where a hash or a chunk's signature is wrong. The body is only
// proven once it was read to its end: a handler must not act on it before.
//
// The package knows nothing of accounts, sessions or policies.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv.html
package sigv4
