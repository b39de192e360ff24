package transfer

import (
	"bytes"
	"io"
	"regexp"
	"strconv"
	"strings"
)

// legible is an answer without what XML 1.0 cannot hold. S3 repeats keys in
// its answers, and writes characters of theirs as references that no parser
// takes: the answer, with the id of an upload, would be lost for its echo.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-keys.html#object-key-xml-related-constraints
type legible struct {
	io.ReadCloser           // bounded
	text          io.Reader // once it is read
}

// Read reads on, having read all before.
func (l *legible) Read(p []byte) (int, error) {
	if l.text == nil {
		raw, err := io.ReadAll(l.ReadCloser)
		if err != nil {
			return 0, err
		}
		l.text = bytes.NewReader(withoutIllegal(raw))
	}
	return l.text.Read(p)
}

func withoutIllegal(text []byte) []byte {
	return references.ReplaceAllFunc(text, func(reference []byte) []byte {
		digits, base := string(reference[2:len(reference)-1]), 10
		if rest, hex := strings.CutPrefix(digits, "x"); hex {
			digits, base = rest, 16
		}
		switch n, err := strconv.ParseUint(digits, base, 32); {
		case err == nil && (n == '\t' || n == '\n' || n == '\r' || n >= ' ') && n != 0xfffe && n != 0xffff:
			return reference
		default:
			return nil
		}
	})
}

var references = regexp.MustCompile(`&#(x[0-9a-fA-F]{1,8}|[0-9]{1,10});`)
