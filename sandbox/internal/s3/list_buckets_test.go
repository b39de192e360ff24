package s3

import (
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	awss3 "github.com/aws/aws-sdk-go-v2/service/s3"
)

func TestListBuckets(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	all, err := w.client.ListBuckets(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, b := range all.Buckets {
		names = append(names, *b.Name)
		if b.BucketRegion != nil || b.CreationDate == nil {
			t.Errorf("%s: region %v, made %v", *b.Name, b.BucketRegion, b.CreationDate)
		}
	}
	if !slices.IsSorted(names) || slices.Contains(names, "foreign") || len(names) < 10 || *all.Owner.ID != owner {
		t.Fatalf("all: %v", names)
	}
	in := func(prefix string) (out []string) {
		for _, name := range names {
			if strings.HasPrefix(name, prefix) {
				out = append(out, name)
			}
		}
		return out
	}
	for _, c := range []struct {
		name string
		in   awss3.ListBucketsInput
		want []string
	}{
		{"prefix", awss3.ListBucketsInput{Prefix: aws.String("p")}, in("p")},
		{"prefix of none", awss3.ListBucketsInput{Prefix: aws.String("none")}, nil},
		{"region", awss3.ListBucketsInput{BucketRegion: aws.String("us-east-1")}, []string{"first"}},
		{"region of none", awss3.ListBucketsInput{BucketRegion: aws.String("us-west-2")}, nil},
		{"region and prefix", awss3.ListBucketsInput{BucketRegion: aws.String("eu-central-1"), Prefix: aws.String("f")}, nil},
		{"as many as there are", awss3.ListBucketsInput{MaxBuckets: aws.Int32(int32(len(names)))}, names},
	} {
		out, err := w.client.ListBuckets(t.Context(), &c.in)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, b := range out.Buckets {
			got = append(got, *b.Name)
			if aws.ToString(b.BucketRegion) == "" {
				t.Errorf("%s: %s has no region", c.name, *b.Name)
			}
		}
		if !slices.Equal(got, c.want) || out.ContinuationToken != nil || aws.ToString(out.Prefix) != aws.ToString(c.in.Prefix) {
			t.Errorf("%s: %v, want %v", c.name, got, c.want)
		}
	}
	for size := range int32(4) {
		var got []string
		pages := awss3.NewListBucketsPaginator(w.client, &awss3.ListBucketsInput{MaxBuckets: aws.Int32(size + 1), Prefix: aws.String("")})
		for pages.HasMorePages() {
			page, err := pages.NextPage(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if len(page.Buckets) > int(size)+1 {
				t.Errorf("%d on a page of %d", len(page.Buckets), size+1)
			}
			for _, b := range page.Buckets {
				got = append(got, *b.Name)
			}
		}
		if !slices.Equal(got, names) {
			t.Errorf("pages of %d: %v", size+1, got)
		}
	}
	for query, argument := range map[string]string{
		"max-buckets=0": "max-buckets", "max-buckets=-1": "max-buckets", "max-buckets=10001": "max-buckets", "max-buckets=ten": "max-buckets",
		"continuation-token=x": "continuation-token",
	} {
		if answer, body := w.do("GET", "/?"+query, ""); answer.StatusCode != 400 || inside(body, "Code") != "InvalidArgument" || inside(body, "ArgumentName") != argument {
			t.Errorf("%s: %d %s", query, answer.StatusCode, body)
		}
	}
	if answer, body := w.do("GET", "/?continuation-token=&max-buckets=1", ""); answer.StatusCode != 200 || strings.Count(body, "<Name>") != 1 {
		t.Errorf("an empty token: %d %s", answer.StatusCode, body)
	}
}

// A prefix that no XML can repeat is refused.
func TestListBucketsWithControlCharacters(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, prefix := range []string{"%00", "a%1b", "%0a"} {
		if answer, text := w.do("GET", "/?prefix="+prefix, ""); answer.StatusCode != 400 || inside(text, "Code") != "InvalidArgument" {
			t.Errorf("%s: %d %s", prefix, answer.StatusCode, text)
		}
	}
}
