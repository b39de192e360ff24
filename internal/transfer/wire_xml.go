package transfer

import (
	"bytes"
	"io"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// xmlFilter removes from an answer what XML 1.0 does not allow. S3 repeats keys
// in its answers, with references to characters that no parser accepts. The
// answer would be lost, and with it the id of an upload.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-keys.html#object-key-xml-related-constraints
type xmlFilter struct {
	io.ReadCloser           // limited in length
	filtered      io.Reader // nil before it is read
	verify        func(text []byte) error
}

// Read reads the filtered answer. The first call reads all of the original.
func (l *xmlFilter) Read(p []byte) (int, error) {
	if l.filtered == nil {
		raw, err := io.ReadAll(l.ReadCloser)
		if err != nil {
			return 0, err
		}
		text := removeIllegal(raw)
		if err := l.verify(text); err != nil {
			return 0, err
		}
		l.filtered = bytes.NewReader(text)
	}
	return l.filtered.Read(p)
}

func removeIllegal(text []byte) []byte {
	text = slices.DeleteFunc(text, func(b byte) bool { return b < ' ' && b != '\t' && b != '\n' && b != '\r' })
	return charReferences.ReplaceAllFunc(text, func(reference []byte) []byte {
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

var charReferences = regexp.MustCompile(`&#(x[0-9a-fA-F]{1,8}|[0-9]{1,10});`)
