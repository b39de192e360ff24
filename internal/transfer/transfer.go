// Package transfer moves bytes between S3 and disk, and between two buckets.
//
// What it promises:
//   - an object arrives whole or not at all: files are written under a temporary
//     name and renamed, uploads become visible with their last request, and sizes
//     and checksums are verified before either;
//   - an object that changes in between is an error, never a mixture;
//   - nothing is overwritten in a bucket unless asked for;
//   - on failure or cancellation temporary files are removed and multipart
//     uploads aborted, at once or, where a Journal has another try go on with
//     them, by its Retract; after a crash a later process takes them up;
//   - disk is touched only below an os.Root, and links are never followed;
//   - bytes are streamed: buffers are small, and all that share a Memory stay
//     below its limit together.
//
// Where credentials come from, which keys are wanted and how a key becomes a
// file name is decided elsewhere.
package transfer

import (
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/rolecall/rolecall/internal/journal"
)

// Bucket is a bucket as seen with one set of credentials.
type Bucket struct {
	Client        *Client // of NewClient
	Name          string
	Owner         string // account id, sent as x-amz-expected-bucket-owner when set
	RequesterPays bool
	// NoChecksums is for servers that do not know S3's CRC64NVME checksums:
	// none are sent, and only those that the server offers are verified.
	NoChecksums bool
	// LookFirst is for servers that may not know If-None-Match: what is not to
	// be overwritten is looked for before it is written. Who writes at the same
	// moment is missed.
	LookFirst bool
}

// Object is what a listing or a HEAD tells of an object.
type Object struct {
	Key          string
	Size         int64
	ETag         string // as the server gives it
	VersionID    string // empty: the current version
	Modified     time.Time
	StorageClass string // empty: STANDARD
}

// Result says what a transfer moved.
type Result struct {
	Bytes    int64
	CRC64    uint64 // CRC-64/NVME of all bytes
	Parts    int    // 1 unless it was moved in parts
	Verified string // checksum of the source object that the bytes were held against; empty: only its size
	TagsLost bool   // Copy: the source has tags that could not be read, or not be written
	Already  bool   // Put, Copy: nothing was written, the same bytes with the same marker are there
	Earlier  bool   // nothing was moved: by the Journal, an earlier try did it
	Kept     int64  // bytes of parts that an earlier try had moved, by the Journal
}

// PutOptions shape the object that Put and Copy write. The zero value writes
// with the bucket's defaults and refuses to replace an object.
type PutOptions struct {
	Overwrite    bool
	Marker       string // kept as the metadata x-amz-meta-rolecall
	Encryption   Encryption
	StorageClass string
	ACL          string
	// Both, if it is set, may read a Copy's source and write its destination,
	// in whose region it is: then S3 copies by itself.
	Both *Client
	// Journal is where other tries of the job find what this one has done.
	// Without it, what does not succeed is taken back at once.
	Journal *journal.Journal
	// Progress is told of bytes from several goroutines: of an object in parts
	// as they are sent, each byte once however often it is sent again, else, and
	// of what S3 copies, when they are there.
	Progress func(n int64)
	// Kept is told of those bytes among them that an earlier try had moved.
	Kept func(n int64)
}

// Encryption is the server-side encryption to ask for; the zero value asks
// for none, so that the bucket's default holds.
type Encryption struct {
	Type string // AES256 or aws:kms
	Key  string // ARN of a KMS key; empty: the account's default key
}

// GetOptions shape a Get.
type GetOptions struct {
	Journal *journal.Journal // as PutOptions has it
	Marker  string           // tells the transfer apart from others of the Journal
	// Progress is told of bytes as they arrive, from several goroutines.
	Progress func(n int64)
	// Kept is told of those bytes among them that an earlier try had moved.
	Kept func(n int64)
}

const markerName = "rolecall" // S3 prefixes x-amz-meta-

func (b Bucket) owner() *string { return optional(b.Owner) }

func (b Bucket) payer() types.RequestPayer {
	if b.RequesterPays {
		return types.RequestPayerRequester
	}
	return ""
}

func optional(s string) *string {
	if s == "" {
		return nil
	}
	return aws.String(s)
}

func report(progress func(int64), n int64) {
	if progress != nil && n > 0 {
		progress(n)
	}
}
