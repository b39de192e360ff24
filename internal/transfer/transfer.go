// Package transfer moves bytes between S3 and disk, and between two buckets.
//
// What it promises:
//   - an object arrives whole or not at all: files are written under a temporary
//     name and renamed, uploads become visible with their last request, and sizes
//     and checksums are verified before either;
//   - an object that changes during a transfer is an error, never a mixture;
//   - nothing is overwritten in a bucket unless the caller asks for it;
//   - on failure or cancellation temporary files are removed and multipart
//     uploads aborted: at once, or by the Journal's Retract if another attempt
//     may resume them; after a crash a later process resumes them;
//   - disk is touched only below an os.Root, and links are never followed;
//   - bytes are streamed: buffers are small, and all transfers that share a
//     Memory stay below its limit together.
//
// Where credentials come from, which keys are transferred and how a key becomes
// a file name is decided elsewhere.
package transfer

import (
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/rolecall/rolecall/internal/journal"
)

// Bucket is a bucket, accessed with one set of credentials.
type Bucket struct {
	Client        *Client // of NewClient
	Name          string
	Owner         string // account id, sent as x-amz-expected-bucket-owner when set
	RequesterPays bool
	// NoChecksums is for servers without S3's CRC64NVME checksums: none are
	// sent, and only those that the server reports are verified.
	NoChecksums bool
	// LookFirst is for servers that may ignore If-None-Match: an object that
	// must not be overwritten is looked up before it is written. An object that
	// is written at the same moment is not noticed.
	LookFirst bool
}

// Object is what a listing or HEAD returns about an object.
type Object struct {
	Key          string
	Size         int64
	ETag         string // as the server writes it
	VersionID    string // empty: the current version
	Modified     time.Time
	StorageClass string // empty: STANDARD
}

// Result describes what a transfer moved.
type Result struct {
	Bytes    int64
	CRC64    uint64 // CRC-64/NVME of all bytes
	Parts    int    // 1 if it was not moved in parts
	Verified string // name of the source's checksum that the bytes were compared with; empty: only the size was
	TagsLost bool   // Copy: the source has tags that could not be read or written
	// TagsHidden says, of one copy of a client's, that the source's tags may not be
	// read, so that copies have none, and nobody can tell which sources have any.
	TagsHidden bool
	// Dropped names, of one that was copied now, properties of the source that the
	// copy does not have.
	Dropped []string
	Already bool  // Put, Copy: nothing was written, since the object exists with the same bytes
	Earlier bool  // nothing was moved: according to the Journal, an earlier attempt finished
	Kept    int64 // bytes of parts that an earlier attempt moved, according to the Journal
}

// PutOptions describe the object that Put and Copy write. The zero value uses
// the bucket's defaults and refuses to replace an object.
type PutOptions struct {
	Overwrite    bool
	Marker       string // of the task: distinguishes its transfers from others of the Journal, and is stored as the metadata x-amz-meta-rolecall
	Unmarked     bool   // the marker is not stored: what a lost answer wrote is known only by a checksum
	Encryption   Encryption
	StorageClass string
	ACL          string
	// CopyClient, if set, may read a Copy's source and write its destination,
	// and is in the destination's region. Then S3 copies on its side.
	CopyClient *Client
	// Journal is where other attempts of the job find what this one has done.
	// Without it, a transfer that fails is undone at once.
	Journal *journal.Journal
	// Progress is called with numbers of bytes, from several goroutines. For an
	// object in parts that is as they are sent, each byte once however often it
	// is sent again; otherwise, and for what S3 copies, it is when they are stored.
	Progress func(n int64)
	// Kept is called with those bytes among them that an earlier attempt moved.
	Kept func(n int64)
}

// Encryption is the server-side encryption to request. The zero value requests
// none, so that the bucket's default applies.
type Encryption struct {
	Type string // AES256 or aws:kms
	Key  string // ARN of a KMS key; empty: the account's default key
}

// GetOptions describe a Get.
type GetOptions struct {
	Journal *journal.Journal // as in PutOptions
	Marker  string           // distinguishes the transfer from others of the Journal
	// Progress is called with numbers of bytes as they arrive, from several goroutines.
	Progress func(n int64)
	// Kept is called with those bytes among them that an earlier attempt moved.
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
