package s3

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/url"
	"os"
	"time"
)

// Access is one permission that an operation needs of its caller.
type Access struct {
	Action   string              // "s3:GetObject"
	Resource string              // ARN of the bucket or object; "*" for ListBuckets
	Bucket   string              // whose owner and policy count; empty for ListBuckets
	Context  map[string][]string // s3:* condition keys; the Authority adds aws:*
}

// KeyUse is one use of a KMS key that S3 makes on behalf of its caller.
type KeyUse struct {
	Action            string // "kms:GenerateDataKey" or "kms:Decrypt"
	Key               string // ARN of the key, or of an alias
	Region            string // of the bucket, for kms:ViaService
	EncryptionContext map[string]string
}

// Authority decides what the caller of a request may do. The caller travels in
// the request's context, under a key of the Authority's own.
type Authority interface {
	// Authorize returns nil if the caller has the permission.
	Authorize(context.Context, Access) *Error
	// UseKey returns nil if the caller may use the key through S3.
	UseKey(context.Context, KeyUse) *Error
	// Caller returns the account of the caller, empty for an anonymous one.
	Caller(context.Context) string
	// CallerARN returns the user or role session, empty for an anonymous caller.
	CallerARN(context.Context) string
}

// Directory keeps the buckets' owners and policies.
type Directory interface {
	// Claim takes a new bucket's name, if the caller may have it, and sets its
	// Account, Partition and Region. The keys are s3:* condition keys.
	Claim(ctx context.Context, made Bucket, keys map[string][]string) (Bucket, *Error)
	// Release frees a bucket's name.
	Release(bucket string)
	// Policy returns a bucket's policy, nil if it has none.
	Policy(bucket string) []byte
	// SetPolicy changes a bucket's policy; nil removes it.
	SetPolicy(bucket string, policy []byte) *Error
}

// Bucket is the configuration of one bucket. Its policy is the Directory's.
type Bucket struct {
	Name          string
	Account       string // the owner
	Partition     string // "aws" when empty
	Region        string
	Encryption    Encryption // default of new objects; AES256 when zero
	Versioning    string     // Enabled, Suspended, or empty when it never was enabled
	Ownership     string     // BucketOwnerEnforced when empty, BucketOwnerPreferred, ObjectWriter
	RequesterPays bool
	ObjectLock    bool      // implies that Versioning is Enabled
	Retention     Retention // of versions that have none of their own, with ObjectLock
}

// Retention is how long versions are kept by default; zero for not at all.
type Retention struct {
	Mode        string // GOVERNANCE or COMPLIANCE
	Days, Years int    // one of them
}

// Encryption is how an object is encrypted at rest, or a bucket's default.
type Encryption struct {
	Type      string // AES256, aws:kms or aws:kms:dsse
	Key       string // ARN; empty with aws:kms means the account's aws/s3 key
	BucketKey bool
}

// Config is what a Service starts with.
type Config struct {
	Buckets   []Bucket
	Authority Authority
	Directory Directory        // nil: no bucket is made, and there are no policies
	Clock     func() time.Time // time.Now when nil
	Dir       string           // of the blobs; a temporary one when empty
	Log       *slog.Logger     // for faults of the Service's own; discarded when nil
}

// Service is an http.Handler that speaks S3. Its requests are verified, and
// their bodies decoded: a body whose Read returns an *Error ends the request
// with that error, ContentLength is the decoded length, and trailing headers
// appear in the request's Trailer no later than the body's io.EOF.
type Service struct {
	authority Authority
	directory Directory
	clock     func() time.Time
	log       *slog.Logger
	store     *store
}

// New makes a Service of the buckets, all empty. Close it to remove its files.
func New(cfg Config) (*Service, error) {
	if cfg.Clock == nil {
		cfg.Clock = time.Now
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	dir, err := os.MkdirTemp(cfg.Dir, "rolecall-s3-")
	if err != nil {
		return nil, err
	}
	s := &Service{authority: cfg.Authority, directory: cfg.Directory, clock: cfg.Clock, log: cfg.Log, store: newStore(dir)}
	for _, b := range cfg.Buckets {
		s.SetBucket(b)
	}
	return s, nil
}

// Close removes the files. No request may be under way.
func (s *Service) Close() error { return os.RemoveAll(s.store.dir) }

// ServeHTTP answers one request.
func (s *Service) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	header := w.Header()
	if header.Get("X-Amz-Request-Id") == "" {
		header.Set("X-Amz-Request-Id", newID(8))
	}
	header.Set("X-Amz-Id-2", newID(32))
	header.Set("Server", "AmazonS3")
	header.Set("Date", s.clock().UTC().Format(http.TimeFormat))
	if err := s.serve(w, r); err != nil {
		var known *Error
		if !errors.As(err, &known) {
			s.log.ErrorContext(r.Context(), "s3 operation failed", "operation", Operation(r), "error", err)
			known = errInternal()
		}
		WriteError(w, r, known)
	}
}

func (s *Service) serve(w http.ResponseWriter, r *http.Request) error {
	r = lift(r)
	to := route(r)
	query, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return errInvalidURI()
	}
	if to.bucket == "" && len(r.URL.Path) > 1 { // as in //key
		return errInvalidBucketName(to.bucket)
	}
	c := &call{Service: s, w: w, r: r, query: query, key: to.key}
	handler := handlers[to.operation]
	if s.directory == nil && needDirectory[to.operation] {
		handler = nil
	}
	if to.bucket == "" || to.operation == "CreateBucket" {
		if handler == nil {
			return errNotImplemented(to.operation)
		}
		c.cfg.Name = to.bucket
		return handler(c)
	}
	b := s.store.bucket(to.bucket)
	if b == nil {
		return errNoSuchBucket(to.bucket)
	}
	c.bucket, c.cfg = b, b.config()
	if err := checkKey(to.key); err != nil {
		return err
	}
	if absent, ok := unsetOperations[to.operation]; ok {
		handler = func(c *call) error { return c.answerUnset(absent) }
	}
	if handler == nil {
		return errNotImplemented(to.operation)
	}
	if err := c.checkOwner("X-Amz-Expected-Bucket-Owner", c.cfg); err != nil {
		return err
	}
	if err := c.checkPayer(c.cfg); err != nil {
		return err
	}
	if r.ContentLength < 0 { // S3 takes chunks that say their whole length, and no others
		return errHeaderNotImplemented("Transfer-Encoding")
	}
	if keepEncryption[to.operation] {
		if err := c.checkNoEncryption(); err != nil {
			return err
		}
	}
	return handler(c)
}
