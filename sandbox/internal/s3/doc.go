// Package s3 is the sandbox's S3: the HTTP protocol of the object operations
// and a small storage behind it.
//
// What is here: routing by host and path, the operations, checksums,
// conditional requests, multipart uploads, versions, the headers of
// server-side encryption, and S3's own words for what it refuses. Bytes are
// files in one directory, named by a counter and never by a key, so that any
// key is stored as it was sent; everything else is in memory.
//
// What is not: who the caller is and what policies allow. Signatures and
// aws-chunked framing are removed before a request comes here, and each
// operation asks the Authority for exactly the IAM actions that AWS's Service
// Authorization Reference lists for it. No byte is encrypted: clients see the
// headers of encryption, and the permissions on keys that it needs.
package s3
