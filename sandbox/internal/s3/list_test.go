package s3

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	awss3 "github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func TestListObjectsV2(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, key := range []string{"a", "b/", "b/1", "b/2/x", "b/2/y", "c d", "c/1", "d"} {
		w.put("plain", key, key)
	}
	for name, tt := range map[string]struct {
		in   awss3.ListObjectsV2Input
		want []string // prefixes in brackets
	}{
		"all":           {awss3.ListObjectsV2Input{}, []string{"a", "b/", "b/1", "b/2/x", "b/2/y", "c d", "c/1", "d"}},
		"prefix":        {awss3.ListObjectsV2Input{Prefix: aws.String("b/")}, []string{"b/", "b/1", "b/2/x", "b/2/y"}},
		"delimiter":     {awss3.ListObjectsV2Input{Delimiter: aws.String("/")}, []string{"a", "c d", "d", "[b/]", "[c/]"}},
		"both":          {awss3.ListObjectsV2Input{Prefix: aws.String("b/"), Delimiter: aws.String("/")}, []string{"b/", "b/1", "[b/2/]"}},
		"half a prefix": {awss3.ListObjectsV2Input{Prefix: aws.String("c"), Delimiter: aws.String("/")}, []string{"c d", "[c/]"}},
		"start after":   {awss3.ListObjectsV2Input{StartAfter: aws.String("b/2/x")}, []string{"b/2/y", "c d", "c/1", "d"}},
		"after a group": {awss3.ListObjectsV2Input{StartAfter: aws.String("b/2/x"), Delimiter: aws.String("/")}, []string{"c d", "d", "[b/]", "[c/]"}},
		"nothing":       {awss3.ListObjectsV2Input{Prefix: aws.String("z")}, nil},
		"long":          {awss3.ListObjectsV2Input{Delimiter: aws.String("/1")}, []string{"a", "b/", "b/2/x", "b/2/y", "c d", "d", "[b/1]", "[c/1]"}},
	} {
		t.Run(name, func(t *testing.T) {
			for _, size := range []int32{1, 2, 3, 1000} {
				in := tt.in
				in.Bucket = aws.String("plain")
				in.MaxKeys = &size
				var keys, groups []string
				pager := awss3.NewListObjectsV2Paginator(w.client, &in)
				for pager.HasMorePages() {
					page, err := pager.NextPage(t.Context())
					if err != nil {
						t.Fatal(err)
					}
					if n := len(page.Contents) + len(page.CommonPrefixes); int32(n) > *in.MaxKeys || int32(n) != *page.KeyCount {
						t.Errorf("%d names on a page of %d that says %d", n, *in.MaxKeys, *page.KeyCount)
					}
					for _, o := range page.Contents {
						keys = append(keys, *o.Key)
					}
					for _, p := range page.CommonPrefixes {
						groups = append(groups, "["+*p.Prefix+"]")
					}
				}
				if diff := cmp.Diff(tt.want, append(keys, groups...)); diff != "" {
					t.Errorf("pages of %d: %s", size, diff)
				}
			}
		})
	}
}

func TestListOfNoKeys(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.put("plain", "k", "")
	_, body := w.do("GET", "/plain?list-type=2&max-keys=0", "")
	if !strings.Contains(body, "<KeyCount>0</KeyCount>") || !strings.Contains(body, "<IsTruncated>false</IsTruncated>") {
		t.Error(body)
	}
}

func TestListRefuses(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for query, code := range map[string]string{
		"list-type=2&max-keys=x":           "InvalidArgument",
		"list-type=2&max-keys=-1":          "InvalidArgument",
		"list-type=2&encoding-type=xml":    "InvalidArgument",
		"list-type=2&continuation-token=":  "InvalidArgument",
		"list-type=2&continuation-token=x": "InvalidArgument",
		"list-type=2&prefix=%ff":           "InvalidURI",
		"list-type=2&prefix=%zz":           "InvalidURI",
	} {
		answer, body := w.do("GET", "/plain?"+query, "")
		if answer.StatusCode != 400 || !strings.Contains(body, "<Code>"+code+"</Code>") {
			t.Errorf("%s: %d %s", query, answer.StatusCode, body)
		}
	}
}

func TestListEncodesNames(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	keys := []string{"a b+c/%&<>\"'", "ctrl\x01/x", "ü\r\n"}
	for _, key := range keys {
		w.put("plain", key, "")
	}
	_, body := w.do("GET", "/plain?list-type=2&encoding-type=url", "")
	var got []string
	for _, piece := range strings.Split(body, "<Key>")[1:] {
		encoded, _, _ := strings.Cut(piece, "</Key>")
		key, err := url.QueryUnescape(encoded)
		if err != nil {
			t.Error(err)
		}
		got = append(got, key)
	}
	if diff := cmp.Diff(keys, got); diff != "" {
		t.Error(diff)
	}
	if _, body = w.do("GET", "/plain?list-type=2", ""); !strings.Contains(body, "ctrl&#x1;/x") {
		t.Errorf("without the encoding: %s", body)
	}
}

func TestListObjectsV1(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, key := range []string{"a/1", "a/2", "b", "c/1"} {
		w.put("plain", key, key)
	}
	var got []string
	marker := ""
	for range 10 {
		out, err := w.client.ListObjects(t.Context(), &awss3.ListObjectsInput{
			Bucket: aws.String("plain"), Delimiter: aws.String("/"), MaxKeys: aws.Int32(1), Marker: &marker,
		})
		if err != nil {
			t.Fatal(err)
		}
		for _, o := range out.Contents {
			got = append(got, *o.Key)
		}
		for _, p := range out.CommonPrefixes {
			got = append(got, *p.Prefix)
		}
		if !*out.IsTruncated {
			break
		}
		marker = *out.NextMarker
	}
	if diff := cmp.Diff([]string{"a/", "b", "c/"}, got); diff != "" {
		t.Error(diff)
	}
}

func TestListObjectVersions(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, key := range []string{"a", "b/1", "a", "b/2", "a", "c"} {
		w.put("versioned", key, key)
	}
	w.do("DELETE", "/versioned/c", "")
	for _, size := range []int32{1, 2, 3, 4, 1000} {
		for delimiter, want := range map[string]string{
			"":  "[a! a a b/1! b/2! c-! c]",
			"/": "[a! a a b/ c-! c]",
		} {
			var got []string
			seen := map[string]bool{}
			in := &awss3.ListObjectVersionsInput{Bucket: aws.String("versioned"), MaxKeys: &size, Delimiter: &delimiter}
			for range 10 {
				out, err := w.client.ListObjectVersions(t.Context(), in)
				if err != nil {
					t.Fatal(err)
				}
				if n := len(out.Versions) + len(out.DeleteMarkers) + len(out.CommonPrefixes); n > int(size) {
					t.Errorf("%d entries on a page of %d", n, size)
				}
				note := func(key, mark, id string, latest *bool) {
					if *latest {
						mark += "!"
					}
					if seen[id] {
						t.Errorf("version %s of %s comes twice", id, key)
					}
					seen[id] = true
					got = append(got, key+mark)
				}
				for _, v := range out.DeleteMarkers {
					note(*v.Key, "-", *v.VersionId, v.IsLatest)
				}
				for _, v := range out.Versions {
					if len(v.ChecksumAlgorithm) != 1 || v.ChecksumAlgorithm[0] != "CRC32" || v.ChecksumType != "FULL_OBJECT" {
						t.Errorf("%s has the checksum %v of the type %s", *v.Key, v.ChecksumAlgorithm, v.ChecksumType)
					}
					note(*v.Key, "", *v.VersionId, v.IsLatest)
				}
				for _, p := range out.CommonPrefixes {
					got = append(got, *p.Prefix)
				}
				if !*out.IsTruncated {
					break
				}
				in.KeyMarker, in.VersionIdMarker = out.NextKeyMarker, out.NextVersionIdMarker
			}
			slices.SortStableFunc(got, func(a, b string) int { return strings.Compare(a[:1], b[:1]) })
			if fmt.Sprint(got) != want {
				t.Errorf("pages of %d by %q: %v, want %s", size, delimiter, got, want)
			}
		}
	}
}

func TestListMultipartUploads(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, key := range []string{"a", "b/1", "b/1", "b/2", "c"} {
		w.begin("plain", key)
	}
	for _, size := range []int32{1, 2, 1000} {
		for delimiter, want := range map[string]string{"": "[a b/1 b/1 b/2 c]", "/": "[a b/ c]"} {
			var got []string
			in := &awss3.ListMultipartUploadsInput{Bucket: aws.String("plain"), MaxUploads: &size, Delimiter: &delimiter}
			for range 10 {
				out, err := w.client.ListMultipartUploads(t.Context(), in)
				if err != nil {
					t.Fatal(err)
				}
				for _, u := range out.Uploads {
					got = append(got, *u.Key)
					if id := aws.ToString(u.Initiator.ID); id != "arn:aws:sts::"+owner+":assumed-role/media/job" {
						t.Errorf("%s was begun by %q", *u.Key, id)
					}
				}
				for _, p := range out.CommonPrefixes {
					got = append(got, *p.Prefix)
				}
				if !*out.IsTruncated {
					break
				}
				in.KeyMarker, in.UploadIdMarker = out.NextKeyMarker, out.NextUploadIdMarker
			}
			slices.Sort(got)
			if fmt.Sprint(got) != want {
				t.Errorf("pages of %d by %q: %v, want %s", size, delimiter, got, want)
			}
		}
	}
}

// TestPagesAreOneListing: whatever the page size, the pages together are the
// listing that one would write down by hand.
func TestPagesAreOneListing(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		keys := rapid.SliceOfDistinct(rapid.StringMatching(`[ab/]{1,5}`), rapid.ID[string]).Draw(t, "keys")
		slices.Sort(keys)
		dead := rapid.SampledFrom(append(keys, "")).Draw(t, "dead")
		live := func(key string) bool { return key != dead }
		l := listing{
			prefix:    rapid.StringMatching(`[ab/]{0,2}`).Draw(t, "prefix"),
			delimiter: rapid.SampledFrom([]string{"", "/", "b/"}).Draw(t, "delimiter"),
			limit:     rapid.IntRange(1, 4).Draw(t, "limit"),
		}
		var want []string
		for _, key := range keys {
			if !strings.HasPrefix(key, l.prefix) || !live(key) {
				continue
			}
			if n := l.roll(key); !slices.Contains(want, n.text) {
				want = append(want, n.text)
			}
		}
		var got []string
		for {
			p := l.list(keys, live)
			for _, n := range p.names {
				got = append(got, n.text)
			}
			if !p.truncated {
				break
			}
			if len(p.names) != l.limit {
				t.Fatalf("a truncated page of %d, not %d", len(p.names), l.limit)
			}
			l.after = p.next()
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatal(diff)
		}
	})
}
