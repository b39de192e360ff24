package transfer

import (
	"fmt"
	"net/http"
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
		"elsewhere":     {fmt.Sprintf(entry, "out/x"), Corrupt},
		"broken escape": {`<EncodingType>url</EncodingType>` + fmt.Sprintf(entry, "in/%zz"), Corrupt},
		"no next token": {`<IsTruncated>true</IsTruncated>` + fmt.Sprintf(entry, "in/x"), Corrupt},
		"endless":       {`<IsTruncated>true</IsTruncated><NextContinuationToken>a</NextContinuationToken>`, Corrupt},
		"not escaped":   {fmt.Sprintf(entry, "in/a+b%20c"), ""},
		"escaped":       {`<EncodingType>url</EncodingType>` + fmt.Sprintf(entry, "in%2Fa%2Bb%2520c"), ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newServer(t)
			s.meddle(func(w http.ResponseWriter, _ *http.Request, _ string, _ http.HandlerFunc) {
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
		})
	}
}
