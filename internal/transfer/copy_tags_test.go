package transfer

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/google/go-cmp/cmp"

	"github.com/rolecall/rolecall/internal/journal"
)

// Tags are copied where that is allowed. Where it is not, the copy succeeds,
// the result reports the loss, and only the first object's request for them is
// refused.
func TestCopyTags(t *testing.T) {
	t.Parallel()
	want := map[string]string{"team": "media", "run": "a b+c=d/ü"}
	for name, c := range map[string]struct {
		denied func(r *http.Request, operation string) bool
		kept   bool
		lost   bool
		asked  map[string]int // for three objects
	}{
		"granted": {
			func(*http.Request, string) bool { return false }, true, false,
			map[string]int{"GetObjectTagging": 3, "writes": 3},
		},
		"not to be read": {
			func(_ *http.Request, operation string) bool { return operation == "GetObjectTagging" }, false, true,
			map[string]int{"GetObjectTagging": 3, "writes": 3},
		},
		"not to be written": {
			func(r *http.Request, _ string) bool { return r.Header.Get(taggingHeader) != "" }, false, true,
			map[string]int{"GetObjectTagging": 1, "writes": 4},
		},
	} {
		for _, size := range []int{0, 100, ioBuffer + 1, multipartFrom} {
			for way, both := range map[string]bool{"here": false, "within": true} {
				t.Run(fmt.Sprintf("%s/%d/%s", name, size, way), func(t *testing.T) {
					t.Parallel()
					s := newServer(t)
					from, to := s.bucket(t, "origin"), s.bucket(t, "target")
					options := PutOptions{}
					if both {
						options.CopyClient = to.Client
					}
					o := s.store(t, "x", testBytes(size))
					if err := Tag(t.Context(), from, "x", want); err != nil {
						t.Fatal(err)
					}
					s.setTamper(func(w http.ResponseWriter, r *http.Request, operation string, next http.HandlerFunc) {
						if c.denied(r, operation) {
							refuse(w, r, http.StatusForbidden, "AccessDenied")
							return
						}
						next(w, r)
					})
					for i := range 3 {
						var told counter
						options.Progress = told.add
						got, err := Copy(t.Context(), from, o, to, fmt.Sprint(i), options)
						if err != nil || got.TagsLost != c.lost || told.total() != int64(size) {
							t.Fatalf("%+v, %d bytes reported, %v", got, told.total(), err)
						}
					}
					for _, o := range s.Objects("target") {
						expected := want
						if !c.kept {
							expected = map[string]string{}
						}
						if d := cmp.Diff(expected, o.Tags); d != "" {
							t.Error(d)
						}
					}
					writes := s.count("PutObject") + s.count("CreateMultipartUpload") + s.count("CopyObject")
					asked := map[string]int{"GetObjectTagging": s.count("GetObjectTagging"), "writes": writes}
					if d := cmp.Diff(c.asked, asked); d != "" {
						t.Error(d)
					}
					noUploads(t, to)
				})
			}
		}
	}
}

// When S3 refuses a part of an upload that began with the tags, the tags are
// not the reason: they are kept, and so are those of later objects.
func TestCopyTagsAreNotToBlame(t *testing.T) {
	t.Parallel()
	for _, j := range []*journal.Journal{nil, journal.New()} {
		s := newServer(t)
		from, to := s.bucket(t, "origin"), s.bucket(t, "target")
		o := s.store(t, "x", testBytes(multipartFrom))
		if err := Tag(t.Context(), from, "x", map[string]string{"team": "media"}); err != nil {
			t.Fatal(err)
		}
		s.setTamper(func(w http.ResponseWriter, r *http.Request, operation string, next http.HandlerFunc) {
			if operation == "UploadPart" {
				refuse(w, r, http.StatusForbidden, "AccessDenied")
				return
			}
			next(w, r)
		})
		options := PutOptions{Marker: "m", Journal: j}
		_, err := Copy(t.Context(), from, o, to, "x", options)
		wantKind(t, err, Denied)
		if n := s.count("CreateMultipartUpload"); n != 1 {
			t.Errorf("%d uploads were begun", n)
		}
		s.setTamper(nil)
		if r, err := Copy(t.Context(), from, o, to, "x", options); err != nil || r.TagsLost || len(s.Objects("target")[0].Tags) != 1 {
			t.Errorf("%+v, %v: %v", r, err, s.Objects("target"))
		}
		noUploads(t, to)
	}
}

// The source's server may be anybody's: the tags that it reports are limited
// and checked.
func TestTagging(t *testing.T) {
	t.Parallel()
	tag := func(name, value string) types.Tag { return types.Tag{Key: aws.String(name), Value: aws.String(value)} }
	many := make([]types.Tag, maxTags+1)
	for i := range many {
		many[i] = tag(fmt.Sprint(i), "")
	}
	for name, c := range map[string]struct {
		set   []types.Tag
		want  string
		whole bool
	}{
		"none":       {nil, "", true},
		"some":       {[]types.Tag{tag("a", "1"), tag("b", "")}, "a=1&b=", true},
		"odd":        {[]types.Tag{tag("a&b", "=\r\nX-Amz-Acl: public-read")}, "a%26b=%3D%0D%0AX-Amz-Acl%3A%20public-read", true},
		"of AWS":     {[]types.Tag{tag("AWS:x", "1"), tag("a", "1")}, "a=1", false},
		"many":       {many, "", false},
		"no name":    {[]types.Tag{tag("", "1")}, "", false},
		"long name":  {[]types.Tag{tag(strings.Repeat("ü", maxTagName+1), "1")}, "", false},
		"long value": {[]types.Tag{tag("a", strings.Repeat("v", maxTagValue+1))}, "", false},
		"broken":     {[]types.Tag{tag("a", "\xff")}, "", false},
		"nil":        {[]types.Tag{{}}, "", false},
	} {
		if got, whole := tagging(c.set); got != c.want || whole != c.whole {
			t.Errorf("%s: %q, %t", name, got, whole)
		}
	}
	wide := make([]types.Tag, maxTags)
	for i := range wide {
		wide[i] = tag(fmt.Sprint(i), strings.Repeat("語", maxTagValue))
	}
	if got, whole := tagging(wide); got != "" || whole {
		t.Errorf("a header of %d bytes", len(got))
	}
}

// If an upload that began without tags is resumed, the result reports that they
// are lost.
func TestResumeWithoutTags(t *testing.T) {
	t.Parallel()
	for _, denied := range []bool{true, false} {
		f := newFixture(t)
		if err := Tag(t.Context(), f.bucket(t, "origin"), "big", map[string]string{"team": "media"}); err != nil {
			t.Fatal(err)
		}
		f.cut(t, func(t *testing.T) (Result, error) {
			to := f.bucket(t, "target")
			if denied {
				to.Client.denied.add(denial{"tag", "", "target"})
			}
			return Copy(t.Context(), f.bucket(t, "origin"), f.o, to, "x", PutOptions{Marker: "job-1/0", Journal: f.j})
		})
		f.crash(t)
		r, err := f.copy(t)
		f.whole(t, r, err, 2*partSize)
		if r.TagsLost != denied {
			t.Errorf("denied %t: told that tags are lost: %t", denied, r.TagsLost)
		}
	}
}
