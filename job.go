package rolecall

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/rolecall/rolecall/internal/strict"
)

// Job is an ordered list of tasks that share a working directory, as a user
// writes it. Validate turns it into a Plan.
type Job struct {
	RoleARN                    string   `json:"role_arn,omitempty"`                      // of tasks that do not say how they are authorized
	RoleSessionDurationSeconds *int     `json:"role_session_duration_seconds,omitempty"` // 900 to 43200; nil: 3600
	Region                     string   `json:"region,omitempty"`                        // aws:eu-central-1, or eu-central-1
	Tags                       []string `json:"tags,omitempty"`
	Notify                     string   `json:"notify,omitempty"`
	Tasks                      []Task   `json:"tasks"`

	pointers *strings.Replacer // from pointers of this job to those of the request it was made of, or nil
}

// Task runs one tool. Neighbours whose tools end in |p run in parallel.
type Task struct {
	Name           string          `json:"name,omitempty"`
	Tool           string          `json:"tool"`
	Version        string          `json:"version,omitempty"` // for the reader: storage tools have one version
	Parameters     json.RawMessage `json:"parameters,omitempty"`
	Retries        int             `json:"retries,omitempty"`         // 0 to 10, for faults that may pass
	TimeoutSeconds *int            `json:"timeout_seconds,omitempty"` // of each attempt, 1 to those of MaxTimeout; nil: DefaultTimeout
}

// The storage tools.
const (
	StorageGet    = "storage:get"    // bucket to working directory
	StoragePut    = "storage:put"    // working directory to bucket
	StorageCopy   = "storage:copy"   // bucket to bucket
	StorageExists = "storage:exists" // every named object is there
	StorageTagS3  = "storage:tag_s3" // tags on objects
)

// Tools lists the tools that this version runs.
func Tools() []string {
	return []string{StorageGet, StoragePut, StorageCopy, StorageExists, StorageTagS3}
}

// Limits of a job.
const (
	MaxJobBytes = 1 << 20
	MaxTasks    = 1000
	MaxFiles    = 10000 // entries of one `files`
	MaxPatterns = 1000  // of them with wildcards
	MaxStars    = 32    // wildcards in one of them
	MaxRetries  = 10
	MaxTimeout  = 7 * 24 * time.Hour

	// DefaultTimeout is how long an attempt of a task may take that names no
	// timeout_seconds. No server keeps a task for longer, however little it sends.
	DefaultTimeout = 24 * time.Hour
)

// ParseJob reads a job in the native format, or an Axinom job request, which
// it recognizes by its members. It reports all faults at once. ReadPlan also
// validates.
func ParseJob(data []byte) (Job, error) {
	job, _, err := readJob(data)
	return job, err
}

// readJob is ParseJob. It also reports whether the job, despite its faults,
// can be validated for more.
func readJob(data []byte) (job Job, readable bool, err error) {
	if len(data) > MaxJobBytes {
		return Job{}, false, Errors{{Code: Invalid, Message: "the job is larger than 1 MiB"}}
	}
	if isAxinom(data) {
		job, err = convertAxinom(data)
		return job, err == nil, err
	}
	var faults Errors
	isJSON := strict.Decode(data, &job, &faults)
	return job, isJSON && strict.TypeOf(data) == strict.Object, faults.Err()
}

// storage has the parameters of all storage tools.
type storage struct {
	Connection                 string                `json:"connection"`
	Path                       string                `json:"path"`
	Location                   string                `json:"location"`
	RoleARN                    string                `json:"role_arn"`
	RoleSessionDurationSeconds *int                  `json:"role_session_duration_seconds"`
	HTTPCredentialSource       *HTTPCredentialSource `json:"http_credential_source"`
	S3EndpointURL              string                `json:"s3_endpoint_url"`
	BucketOwner                string                `json:"bucket_owner"`
	Encryption                 *Encryption           `json:"encryption"`
	StorageClass               string                `json:"storage_class"`
	ACL                        string                `json:"acl"`
	RequesterPays              bool                  `json:"requester_pays,omitempty"`
	Marker                     *bool                 `json:"marker,omitempty"`
}

type storageParameters struct {
	storage
	Files     []string          `json:"files,omitempty"`
	Exclude   []string          `json:"exclude,omitempty"`
	BaseDir   string            `json:"base_dir"`
	Overwrite bool              `json:"overwrite"`
	Tags      map[string]string `json:"tags"`
}

type copyParameters struct {
	Source      storage  `json:"source"`
	Destination storage  `json:"destination"`
	Files       []string `json:"files,omitempty"`
	Exclude     []string `json:"exclude,omitempty"`
	Overwrite   bool     `json:"overwrite"`
	Marker      *bool    `json:"marker,omitempty"`
}

// The storage classes that an upload may ask for.
// https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutObject.html
var storageClasses = []string{
	"STANDARD", "REDUCED_REDUNDANCY", "STANDARD_IA", "ONEZONE_IA", "INTELLIGENT_TIERING",
	"GLACIER", "DEEP_ARCHIVE", "GLACIER_IR", "EXPRESS_ONEZONE",
}

// https://docs.aws.amazon.com/AmazonS3/latest/userguide/acl-overview.html#canned-acl
var cannedACLs = []string{
	"private", "public-read", "public-read-write", "authenticated-read", "aws-exec-read",
	"bucket-owner-read", "bucket-owner-full-control",
}

// validate checks the parameters that jobs and connections have in common.
func (q storage) validate(faults *Errors) {
	validateDuration(faults, "/role_session_duration_seconds", q.RoleSessionDurationSeconds)
	if q.BucketOwner != "" && !IsAccountID(q.BucketOwner) {
		faults.Add("/bucket_owner", strict.Quote(q.BucketOwner)+" is not an account id", "You: write twelve digits, in quotes")
	}
	oneOf := func(pointer, what, value string, known []string) {
		for _, k := range known {
			if value == "" || k == value {
				return
			}
		}
		hint := "You: name one of " + strings.Join(known, ", ")
		if near := strict.Nearest(value, known); near != "" {
			hint = "You: write " + strict.Quote(near) + ", if that is meant"
		}
		faults.Add(pointer, "unknown "+what+" "+strict.Quote(value), hint)
	}
	oneOf("/storage_class", "storage class", q.StorageClass, storageClasses)
	oneOf("/acl", "acl", q.ACL, cannedACLs)
	if q.S3EndpointURL != "" {
		faults.AddErr("/s3_endpoint_url", validateEndpoint(q.S3EndpointURL))
	}
	if q.Encryption != nil {
		faults.AddErr("/encryption", q.Encryption.Validate())
	}
}

// validateEndpoint checks the form of a URL that a tenant chooses. Which
// addresses it may reach is decided when dialling, and so is plain http: it
// reaches only addresses that the operator lists.
// maxURL is how long an endpoint's URL may be: longer than any host's name.
const maxURL = 2048

func validateEndpoint(s string) error {
	if len(s) > maxURL {
		return &Error{Code: Invalid, Message: fmt.Sprintf("the URL has more than %d characters", maxURL), Hint: "You: write it as https://s3.example.com"}
	}
	u, err := url.Parse(s)
	if err != nil || u.Host == "" || (u.Scheme != "https" && u.Scheme != "http") {
		return &Error{Code: Invalid, Message: "not an http or https URL", Hint: "You: write it as https://s3.example.com"}
	}
	if _, err := strconv.ParseUint(u.Port(), 10, 16); u.Port() != "" && err != nil {
		return &Error{Code: Invalid, Message: "the URL has the port " + strict.Quote(u.Port()) + ", and ports end at 65535", Hint: "You: correct the port"}
	}
	if u.User != nil || u.RawQuery != "" || u.Fragment != "" || (u.Path != "" && u.Path != "/") {
		return &Error{Code: Invalid, Message: "the URL has more than scheme and host", Hint: "You: write it as https://s3.example.com, without credentials, path, query or fragment"}
	}
	return nil
}

func validateNotify(s string) error {
	u, err := url.Parse(s)
	if err != nil || u.Host == "" || u.Scheme != "https" {
		return &Error{Code: Invalid, Message: "notify is not an https URL", Hint: "You: write it as https://example.com/hook"}
	}
	if presignedForm.MatchString("?" + u.RawQuery) {
		return &Error{Code: Invalid, Message: "the notify URL holds a signature, as presigned URLs do", Hint: "You: leave it out, and treat it as leaked"}
	}
	if u.User != nil {
		return &Error{Code: Invalid, Message: "the notify URL holds a literal credential", Hint: "You: leave it out, and treat it as leaked"}
	}
	return nil
}

// https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-tagging.html
func validateTags(faults *Errors, tags map[string]string) {
	if len(tags) == 0 {
		faults.Add("/tags", "there are no tags to set", `You: write it as {"state": "done"}`)
	}
	if len(tags) > 10 {
		faults.Add("/tags", "an object has at most 10 tags", "You: leave some out")
	}
	for _, k := range slices.Sorted(maps.Keys(tags)) {
		v := tags[k]
		if k == "" || len([]rune(k)) > 128 || strings.HasPrefix(strings.ToLower(k), "aws:") || !tagForm.MatchString(k) {
			faults.Add("/tags"+strict.Pointer(k), strict.Quote(k)+" is not a tag key", "You: use 1 to 128 letters, digits, spaces or characters of +-=._:/@, not beginning with aws:")
		}
		if len([]rune(v)) > 256 || !tagForm.MatchString(v) {
			faults.Add("/tags"+strict.Pointer(k), strict.Quote(v)+" is not a tag value", "You: use up to 256 letters, digits, spaces or characters of +-=._:/@")
		}
	}
}

var (
	tagForm       = regexp.MustCompile(`^[\p{L}\p{Z}\p{N}_.:/=+\-@]*$`)
	jobRegionForm = regexp.MustCompile(`^(?:aws:)?([a-z]{2,4}(?:-[a-z]+)+-[0-9]+)$`)
)
