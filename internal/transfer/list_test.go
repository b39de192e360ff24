package transfer

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
)

// A server that the tenant chose may answer anything.
func TestListDistrusts(t *testing.T) {
	t.Parallel()
	const entry = `<Contents><Key>%s</Key><Size>1</Size><ETag>"e"</ETag></Contents>`
	for name, c := range map[string]struct {
		inner string
		kind  Kind
	}{
		"elsewhere":     {fmt.Sprintf(entry, "out/x"), Malformed},
		"broken escape": {`<EncodingType>url</EncodingType>` + fmt.Sprintf(entry, "in/%zz"), Malformed},
		"no next token": {`<IsTruncated>true</IsTruncated>` + fmt.Sprintf(entry, "in/x"), Malformed},
		"one token":     {`<IsTruncated>true</IsTruncated><NextContinuationToken>a</NextContinuationToken>`, Malformed},
		"no order":      {fmt.Sprintf(entry, "in/b") + fmt.Sprintf(entry, "in/a"), Malformed},
		"repetition":    {fmt.Sprintf(entry, "in/b") + fmt.Sprintf(entry, "in/b"), Malformed},
		"long key":      {fmt.Sprintf(entry, "in/"+strings.Repeat("k", 1022)), Malformed},
		"long ETag":     {`<Contents><Key>in/x</Key><Size>1</Size><ETag>` + strings.Repeat("e", 1000) + `</ETag></Contents>`, Malformed},
		"odd ETag":      {`<Contents><Key>in/x</Key><Size>1</Size><ETag>"` + "\x7f" + `"</ETag></Contents>`, Malformed},
		"no listing":    {`<Other>x</Other>`, Malformed},
		"large number":  {`<Contents><Key>in/x</Key><Size>` + strings.Repeat("9", 40) + `</Size></Contents>`, Malformed},
		"other number":  {`<Contents><Key>in/x</Key><Size>1.2e3</Size></Contents>`, Malformed},
		"other boolean": {`<IsTruncated>maybe</IsTruncated>`, Malformed},
		"control":       {`<Contents><Key>in/&#x1b;</Key></Contents>`, Malformed},
		"negative":      {`<Contents><Key>in/x</Key><Size>-1</Size></Contents>`, Malformed},
		"too long":      {`<Name>` + strings.Repeat("x", listingLimit) + `</Name>`, Malformed},
		"not escaped":   {fmt.Sprintf(entry, "in/a+b%20c"), ""},
		"escaped":       {`<EncodingType>url</EncodingType>` + fmt.Sprintf(entry, "in%2Fa%2Bb%2520c"), ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newServer(t)
			s.setTamper(func(w http.ResponseWriter, _ *http.Request, _ string, _ http.HandlerFunc) {
				fmt.Fprint(w, `<ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">`+c.inner+`</ListBucketResult>`)
			})
			var last error
			for o, err := range List(t.Context(), s.bucket(t, "origin"), "in/") {
				if last = err; err == nil && c.kind == "" && o.Key != "in/a+b%20c" {
					t.Errorf("got %q", o.Key)
				}
			}
			if c.kind == "" && last == nil {
				return
			}
			wantKind(t, last, c.kind)
			if errors.Is(last, ErrUnordered) != (name == "no order" || name == "repetition") {
				t.Errorf("%s: %v", name, last)
			}
			if n := s.count("ListObjectsV2"); n > 2 {
				t.Errorf("asked %d times", n)
			}
		})
	}
}

// What is no listing at all is not an empty one, and the server does answer.
func TestListIsNoListing(t *testing.T) {
	t.Parallel()
	for name, body := range map[string]string{
		"nothing": "", "a page": "<!DOCTYPE html><html><body><p>Sign in<br></body></html>", "JSON": `{"a": 1}`, "another root": "<FooResult/>",
		"text": "hello", "another charset": `<?xml version="1.0" encoding="ISO-8859-1"?><ListBucketResult/>`, "cut": "<ListBucketResult><Contents>",
	} {
		b := doer(func(r *http.Request) (*http.Response, error) {
			return answer(r, http.StatusOK, strings.NewReader(body), len(body)), nil
		}).bucket()
		var last error
		n := 0
		for _, err := range List(t.Context(), b, "") {
			last, n = err, n+1
		}
		if n != 1 || KindOf(last) != Malformed && (name != "cut" || KindOf(last) != Unreachable) {
			t.Errorf("%s: %d objects, %s: %v", name, n, KindOf(last), last)
		}
	}
}

// A listing with endless pages ends, whatever tokens they have.
func TestListEnds(t *testing.T) {
	t.Parallel()
	for name, key := range map[string]string{"empty": "", "one key": "<Contents><Key>x</Key></Contents>"} {
		asked := 0
		b := doer(func(r *http.Request) (*http.Response, error) {
			asked++
			page := fmt.Sprintf("<ListBucketResult>%s<IsTruncated>true</IsTruncated><NextContinuationToken>%d</NextContinuationToken></ListBucketResult>", key, asked)
			return answer(r, http.StatusOK, strings.NewReader(page), len(page)), nil
		}).bucket()
		var last error
		for _, err := range List(t.Context(), b, "") {
			last = err
		}
		if wantKind(t, last, Malformed); asked > emptyPages {
			t.Errorf("%s: asked for %d pages", name, asked)
		}
	}
}
