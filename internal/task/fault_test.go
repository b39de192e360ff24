package task

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/rolecall/rolecall"
	"github.com/rolecall/rolecall/internal/access"
	"github.com/rolecall/rolecall/internal/awscode"
	"github.com/rolecall/rolecall/internal/guard"
	"github.com/rolecall/rolecall/internal/transfer"
)

const pointer = "/tasks/1/parameters"

var bucket = side{end: source, region: "eu-central-1", place: rolecall.Place{
	Pointer: pointer, Bucket: "b", Key: "in/", RoleARN: "arn:aws:iam::111122223333:role/media", BucketOwner: "111122223333",
}}

// Every kind of error has words for users, a code for the one who must act,
// and keeps AWS's own text to the log.
func TestEveryKindOfErrorIsWorded(t *testing.T) {
	t.Parallel()
	const internal = "internal-detail-7f3a"
	s := &work{tools: &Tools{access: &access.Access{}}, step: rolecall.Step{Index: 1}, log: slog.New(slog.DiscardHandler)}
	for kind, code := range map[transfer.Kind]rolecall.Code{
		transfer.NotFound: rolecall.NotFound, transfer.NoBucket: rolecall.NotFound, transfer.Denied: rolecall.Forbidden,
		transfer.BadCredentials: rolecall.Unauthenticated, transfer.Expired: rolecall.Unauthenticated, transfer.Exists: rolecall.Conflict,
		transfer.Changed: rolecall.Conflict, transfer.Archived: rolecall.Conflict, transfer.Corrupt: rolecall.Unavailable,
		transfer.TooLarge: rolecall.Invalid, transfer.WrongRegion: rolecall.Invalid, transfer.Refused: rolecall.Invalid,
		transfer.Unavailable: rolecall.Unavailable, transfer.Unreachable: rolecall.Unavailable, transfer.Stalled: rolecall.Unavailable, transfer.DiskFull: rolecall.Unavailable,
		transfer.DiskFailed: rolecall.Unavailable,
		transfer.BadFile:    rolecall.Invalid, transfer.Canceled: rolecall.Unavailable, transfer.Malformed: rolecall.Invalid, "new kind": rolecall.Internal,
	} {
		for _, op := range []string{"list", "head", "get", "put", "copy", "tag"} {
			err := &transfer.Error{Op: op, Bucket: "b", Key: "in/a\x1b[2J", Kind: kind, Code: internal + " x", Text: internal, Err: errors.New(internal)}
			e := rolecall.List(s.fault(t.Context(), fmt.Errorf("around: %w", err), bucket, pointer))[0]
			if e.Code != code || e.Pointer != pointer || e.Message == "" || !errors.Is(e.Err, err) {
				t.Errorf("%s of %s: %+v", kind, op, e)
			}
			if text := e.Message + e.Hint; strings.Contains(text, internal) || strings.Contains(text, "\x1b") {
				t.Errorf("%s of %s tells %q", kind, op, text)
			}
		}
	}
}

func TestFaultsOfOthers(t *testing.T) {
	t.Parallel()
	s := &work{tools: &Tools{access: &access.Access{}}, step: rolecall.Step{Index: 1}, log: slog.New(slog.DiscardHandler)}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	credential := &rolecall.Error{Code: rolecall.Forbidden, Message: "the role is not usable"}
	for _, tc := range []struct {
		ctx  context.Context
		err  error
		want *rolecall.Error
	}{
		{
			t.Context(), &transfer.Error{Kind: transfer.Unreachable, Err: fmt.Errorf("sign: %w", credential)},
			&rolecall.Error{Code: rolecall.Forbidden, Pointer: pointer, Message: "the role is not usable"},
		},
		{
			t.Context(),
			rolecall.Errors{{Code: rolecall.NotFound, Pointer: "/tasks/1/parameters/files/0", Message: "nothing"}},
			&rolecall.Error{Code: rolecall.NotFound, Pointer: "/tasks/1/parameters/files/0", Message: "nothing"},
		},
		{
			t.Context(), &transfer.Error{Op: "copy", Bucket: "b", Key: "in/a", Kind: transfer.Refused, Code: "MetadataTooLarge"},
			&rolecall.Error{
				Code: rolecall.Invalid, Pointer: pointer, Message: `the metadata for "s3://b/in/a" are more than the 2 KiB that S3 takes`,
				Hint: "the source's x-amz-meta-* headers must be shorter, for the mark of the task is kept beside them",
			},
		},
		{
			t.Context(), &transfer.Error{Op: "get", Bucket: "b", Key: "in/a", Kind: transfer.Unavailable, Attempts: 8, Took: 72 * time.Second},
			&rolecall.Error{
				Code: rolecall.Unavailable, Pointer: pointer, Message: `S3 is overloaded or failing, asked to read "s3://b/in/a", after 8 attempts in 1m12s`,
				Hint: "try again later; retries on the task do so by themselves",
			},
		},
		{
			t.Context(), &transfer.Error{Op: "get", Bucket: "b", Key: "in/a", Kind: transfer.Corrupt, Mismatch: &transfer.Mismatch{Algorithm: "CRC32", Want: "AAAAAA==", Got: "y/Q5Jg=="}},
			&rolecall.Error{
				Code: rolecall.Conflict, Pointer: pointer,
				Message: `the bytes of "s3://b/in/a" are not those that its checksum promises: they have the CRC32 y/Q5Jg==, not AAAAAA==`,
			},
		},
		{
			t.Context(), &transfer.Error{Op: "put", Bucket: "b", Key: "in/a", Kind: transfer.Corrupt, Mismatch: &transfer.Mismatch{Algorithm: "CRC64NVME", Want: "A", Got: "B", Stored: true}},
			&rolecall.Error{Code: rolecall.Conflict, Pointer: pointer, Message: `S3 says that it has "s3://b/in/a" with the CRC64NVME B, not A`},
		},
		{t.Context(), errors.New("secret"), &rolecall.Error{Code: rolecall.Internal, Pointer: pointer, Message: "internal error"}},
		{ended, context.Canceled, &rolecall.Error{Code: rolecall.Internal, Message: "internal error"}},
	} {
		got := rolecall.List(s.fault(tc.ctx, tc.err, bucket, pointer))[0]
		if diff := cmp.Diff(tc.want, got, cmpopts.IgnoreFields(rolecall.Error{}, "Hint", "Err")); diff != "" {
			t.Errorf("%v: %s", tc.err, diff)
		}
	}
}

// A service of its own that refuses a write may do so for the condition that
// keeps what is there.
func TestRefusalOfTheCondition(t *testing.T) {
	t.Parallel()
	refused := &transfer.Error{Op: "put", Bucket: "b", Key: "in/a", Kind: transfer.Refused, Code: "NotImplemented"}
	for _, tc := range []struct {
		endpoint string
		step     rolecall.Step
		want     bool
	}{
		{"https://storage.example", rolecall.Step{Tool: rolecall.StoragePut}, true},
		{"https://storage.example", rolecall.Step{Tool: rolecall.StoragePut, Overwrite: true}, false},
		{"https://storage.example", rolecall.Step{Tool: rolecall.StorageGet}, false},
		{"", rolecall.Step{Tool: rolecall.StoragePut}, false},
	} {
		at := bucket
		at.place.EndpointURL = tc.endpoint
		s := &work{tools: &Tools{access: &access.Access{}}, step: tc.step, log: slog.New(slog.DiscardHandler)}
		e := rolecall.List(s.fault(t.Context(), refused, at, pointer))[0]
		if strings.Contains(e.Hint, "set overwrite") != tc.want || !strings.Contains(e.Hint, "storage class") {
			t.Errorf("%+v: %s", tc, e.Hint)
		}
	}
}

func TestDenialsNameTheirPolicy(t *testing.T) {
	t.Parallel()
	s := &work{tools: &Tools{access: &access.Access{}}, step: rolecall.Step{Index: 1}, log: slog.New(slog.DiscardHandler)}
	const user = "User: arn:aws:sts::111122223333:assumed-role/media/acme.j is not authorized to perform: "
	for text, want := range map[string][2]string{
		user + `s3:GetObject on resource: "arn:aws:s3:::b/in/a" because no identity-based policy allows the s3:GetObject action`: {
			"the permissions policy of arn:aws:iam::111122223333:role/media does not allow s3:GetObject", "Customer: add s3:GetObject on arn:aws:s3:::b/in/*",
		},
		user + `s3:GetObject on resource: "arn:aws:s3:::b/in/a" with an explicit deny in a resource-based policy`: {
			`the bucket policy of "b" denies s3:GetObject`, `Customer: remove the Deny, or except arn:aws:iam::111122223333:role/media`,
		},
		user + `s3:GetObject on resource: "arn:aws:s3:::b/in/a" with an explicit deny in a service control policy`: {
			"a service control policy of the role's organization denies s3:GetObject", "Customer: have the organization's administrators remove the Deny",
		},
		user + `kms:Decrypt on resource: arn:aws:kms:eu-central-1:222233334444:key/k because no resource-based policy allows the kms:Decrypt action`: {
			"the policy of the KMS key arn:aws:kms:eu-central-1:222233334444:key/k does not allow kms:Decrypt", "Customer: add kms:Decrypt",
		},
		user + `s3:GetObject on resource: "arn:aws:s3:::b/in/a" because no session policy allows the s3:GetObject action`: {
			"the session policy that rolecall made does not allow s3:GetObject", "Operator: report this as a fault of rolecall's",
		},
		user + `s3:GetObject on resource: "arn:aws:s3:::b/in/a" because no VPC endpoint policy allows the s3:GetObject action`: {
			"the policy of the VPC endpoint on the way does not allow s3:GetObject", "Operator: allow s3:GetObject",
		},
		"Access Denied": {`S3 refuses to read "s3://b/in/a", and does not say why; any of these may be it: the bucket policy of "b" denies s3:GetObject; the permissions policy of arn:aws:iam::111122223333:role/media does not allow s3:GetObject`, "Customer: "},
		user + "evil:<script> on resource: x because no identity-based policy allows the evil:<script> action": {"does not allow s3:GetObject", "Customer: add s3:GetObject"},
	} {
		err := &transfer.Error{Op: "get", Bucket: "b", Key: "in/a", Kind: transfer.Denied, Code: awscode.AccessDenied, Text: text}
		e := rolecall.List(s.fault(t.Context(), err, bucket, pointer))[0]
		if !strings.Contains(e.Message, want[0]) || !strings.Contains(e.Hint, want[1]) {
			t.Errorf("%s:\n%s\n%s", text, e.Message, e.Hint)
		}
	}
}

func TestEachStopsAtTheFirstError(t *testing.T) {
	t.Parallel()
	failure := errors.New("stop")
	numbers := make([]int, 1000)
	for i := range numbers {
		numbers[i] = i
	}
	out, err := each(t.Context(), all(numbers), none, func(ctx context.Context, i int) (int64, error) {
		if i == 3 {
			return 0, failure
		}
		if i > 3 {
			<-ctx.Done()
			return 0, ctx.Err()
		}
		return 10, nil
	})
	if !errors.Is(err, failure) || out.Files > 3 || out.Bytes != int64(out.Files)*10 {
		t.Errorf("%+v, %v", out, err)
	}
	_, err = each(t.Context(), all([]int{1}), none, func(context.Context, int) (int64, error) { panic("lost") })
	if err == nil || !strings.Contains(err.Error(), "lost") || rolecall.CodeOf(err) != rolecall.Internal {
		t.Errorf("a panic is %v", err)
	}
}

// A step of a request in another format is pointed at where it stands there.
func TestFaultsPointIntoTheRequest(t *testing.T) {
	t.Parallel()
	at := rolecall.Place{Pointer: "/ContentAcquisition", AuthorizedAt: "/ContentAcquisition/RoleArnToAssume", Bucket: "b", Key: "in/"}
	s := &work{
		tools: New(&access.Access{}, Job{}), log: slog.New(slog.DiscardHandler), observe: func(Event) {},
		step: rolecall.Step{Place: at, Files: patterns(t, "*.mov"), FilesPointer: "/ContentAcquisition/Files"},
	}
	f := &search{work: s, at: side{place: at}, name: s.fileNames()}
	if err := f.take(t.Context(), transfer.Object{Key: "in/../x"}, queue{}); err != nil {
		t.Fatal(err)
	}
	bad := s.aside.err()
	s.aside = aside{}
	if err := s.unfound(t.Context(), newSelection(s.step.Files, s.step.Exclude, prefixesOf(s.step.Files)), "b"); err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct {
		err  error
		want string
	}{
		{bad, "/ContentAcquisition/Files"},
		{s.aside.err(), "/ContentAcquisition/Files/0"},
		{&rolecall.Error{Code: rolecall.Invalid, Pointer: "/principal"}, "/ContentAcquisition"},
		{&rolecall.Error{Code: rolecall.Invalid, Pointer: "/ContentAcquisitions"}, "/ContentAcquisition"},
		{&transfer.Error{Kind: transfer.NotFound}, "/ContentAcquisition"},
	} {
		if got := rolecall.List(s.fault(t.Context(), tc.err, side{place: at}, at.Pointer))[0].Pointer; got != tc.want {
			t.Errorf("%v is pointed at %q, want %q", tc.err, got, tc.want)
		}
	}
}

// A tenant cannot learn from an endpoint's refusal which names there are in
// the operator's network, nor what kind of address they lead to.
func TestRefusedEndpointsLookAlike(t *testing.T) {
	t.Parallel()
	s := &work{tools: &Tools{access: &access.Access{}}, step: rolecall.Step{Index: 1}, log: slog.New(slog.DiscardHandler)}
	at := bucket
	at.place.EndpointURL = "https://storage.example"
	for _, cause := range []error{
		&guard.Error{Addr: netip.MustParseAddr("127.0.0.1"), Reason: "loopback"}, &guard.Error{Addr: netip.MustParseAddr("10.0.0.1"), Reason: "private network"},
		&guard.Error{Reason: "plain http leads to addresses only that the operator lists"}, &net.DNSError{Err: "no such host", Name: "storage.example", IsNotFound: true},
	} {
		err := s.fault(t.Context(), &transfer.Error{Kind: transfer.Unreachable, Err: &url.Error{Op: "Head", URL: at.place.EndpointURL, Err: cause}}, at, pointer)
		want := &rolecall.Error{
			Code: rolecall.Forbidden, Pointer: pointer + "/s3_endpoint_url", Message: "the endpoint may not be reached",
			Hint: "You: give https and a public address. Operator: the cause is in the log; network.allow lists other addresses",
		}
		got := rolecall.List(err)[0]
		if diff := cmp.Diff(want, got, cmpopts.IgnoreFields(rolecall.Error{}, "Err")); diff != "" || !errors.Is(got.Err, cause) {
			t.Errorf("%v: %s", cause, diff)
		}
	}
}

// A listed object that is gone is not one whose key is written wrongly, and where
// AWS has closed a bucket, nothing that a job sends helps.
func TestWhatIsGoneOrClosed(t *testing.T) {
	t.Parallel()
	s := &work{tools: &Tools{access: &access.Access{}}, step: rolecall.Step{Index: 1}, log: slog.New(slog.DiscardHandler)}
	s.listed.Add(1)
	gone := s.word(&transfer.Error{Op: "get", Bucket: "b", Key: "in/a", Kind: transfer.NotFound}, bucket)
	if gone.Code != rolecall.NotFound || !strings.Contains(gone.Message, "not there any more") || strings.Contains(gone.Hint, "case") {
		t.Errorf("gone: %+v", gone)
	}
	for _, code := range []string{"AllAccessDisabled", "AccountProblem"} {
		for _, op := range []string{"list", "get", "put"} {
			closed := s.word(&transfer.Error{Op: op, Bucket: "b", Key: "in/a", Kind: transfer.Denied, Code: code}, bucket)
			if !strings.Contains(closed.Message, "AWS has closed") || strings.Contains(closed.Hint, "set ") {
				t.Errorf("%s of %s: %+v", code, op, closed)
			}
		}
	}
	s.listed.Store(0) // such a bucket would not be listed either
	refused := s.word(&transfer.Error{Op: "get", Bucket: "b", Key: "in/a", Kind: transfer.Denied, Code: "AccessDenied"}, bucket)
	if !strings.Contains(refused.Hint, "requester_pays") {
		t.Errorf("refused: %+v", refused)
	}
}

// The hint to set overwrite gives up the protection of what is there, so that it
// stands only where the condition may be what is refused.
func TestOverwriteIsNoCure(t *testing.T) {
	t.Parallel()
	s := &work{tools: &Tools{access: &access.Access{}}, step: rolecall.Step{Tool: rolecall.StoragePut}, log: slog.New(slog.DiscardHandler)}
	there := side{place: rolecall.Place{Bucket: "b", EndpointURL: "https://s3.example.com"}, end: destination}
	for code, want := range map[string]bool{
		"NotImplemented": true, "InvalidRequest": true, "InvalidArgument": true, "UnknownError": true, "": true,
		"AccessControlListNotSupported": false, "InvalidStorageClass": false, "KeyTooLongError": false, "InvalidEncryptionAlgorithmError": false,
		"MissingContentLength": false, "InvalidPart": false, "MethodNotAllowed": false, "MalformedXML": false, "EntityTooSmall": false,
		"KMS.DisabledException": false, "InvalidTag": false, "BadDigest": false,
	} {
		e := s.word(&transfer.Error{Op: "put", Bucket: "b", Key: "in/a", Kind: transfer.Refused, Code: code}, there)
		if got := strings.Contains(e.Hint, "overwrite"); got != want {
			t.Errorf("%q: %q", code, e.Hint)
		}
	}
}
