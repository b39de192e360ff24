package s3

import (
	"net/http"
	"strconv"
	"strings"
	"time"
)

// span is the part of an object that an answer carries.
type span struct {
	offset, length int64
	partial        bool
	checksum       checksum // of these bytes, if known
}

func (s span) contentRange(size int64) string {
	if s.length == 0 {
		return "bytes */" + strconv.FormatInt(size, 10)
	}
	return "bytes " + strconv.FormatInt(s.offset, 10) + "-" + strconv.FormatInt(s.offset+s.length-1, 10) + "/" + strconv.FormatInt(size, 10)
}

// span reads Range and partNumber.
func (c *call) span(o *object) (span, error) {
	asked := c.header("Range")
	if c.query.Has("partNumber") {
		if asked != "" {
			return span{}, errInvalidRequest("Cannot specify both Range header and partNumber query parameter")
		}
		return c.partSpan(o)
	}
	first, last, ok := parseRange(asked)
	if !ok {
		return span{length: o.size, checksum: o.checksum}, nil
	}
	offset, length, ok := resolveRange(first, last, o.size)
	if !ok {
		err := errInvalidRange(asked, o.size)
		err.Header = http.Header{"Content-Range": {"bytes */" + strconv.FormatInt(o.size, 10)}}
		return span{}, err
	}
	return span{offset: offset, length: length, partial: true}, nil
}

func (c *call) partSpan(o *object) (span, error) {
	number, err := parsePartNumber(c.query.Get("partNumber"))
	if err != nil {
		return span{}, err
	}
	if len(o.parts) == 0 {
		if number != 1 {
			return span{}, errInvalidPartNumber()
		}
		return span{length: o.size, partial: o.size > 0, checksum: o.checksum}, nil
	}
	c.w.Header().Set("X-Amz-Mp-Parts-Count", strconv.Itoa(len(o.parts)))
	var offset int64
	for _, p := range o.parts {
		if p.number == number {
			return span{offset, p.size, true, checksum{p.checksum.algorithm, p.checksum.value, o.checksum.kind}}, nil
		}
		offset += p.size
	}
	return span{}, errInvalidPartNumber()
}

// parseRange reads a Range header of one range: last is -1 when open, first is
// -1 for a suffix of last bytes. S3 ignores headers that it cannot read, and
// lists of ranges.
func parseRange(header string) (first, last int64, ok bool) {
	spec, ok := strings.CutPrefix(header, "bytes=")
	from, to, dash := strings.Cut(spec, "-")
	if !ok || !dash || from == "" && to == "" {
		return 0, 0, false
	}
	first, last = -1, -1
	var err error
	for _, side := range []struct {
		text  string
		value *int64
	}{{from, &first}, {to, &last}} {
		if side.text == "" {
			continue
		}
		if strings.Trim(side.text, "0123456789") != "" {
			return 0, 0, false
		}
		if *side.value, err = strconv.ParseInt(side.text, 10, 64); err != nil {
			return 0, 0, false
		}
	}
	if from != "" && to != "" && first > last {
		return 0, 0, false
	}
	return first, last, true
}

// resolveRange fits a range to an object's size.
func resolveRange(first, last, size int64) (offset, length int64, ok bool) {
	switch {
	case first < 0: // a suffix
		length = min(last, size)
		return size - length, length, length > 0
	case first >= size:
		return 0, 0, false
	case last < 0 || last >= size:
		last = size - 1
	}
	return first, last - first + 1, true
}

// checkConditions checks the conditional headers of a read, or of a copy's
// source, whose headers have the prefix, in RFC 9110's order.
func checkConditions(h http.Header, prefix string, o *object) *Error {
	modified := o.modified.Truncate(time.Second)
	get := func(name string) string { return h.Get(prefix + name) }
	if match := get("If-Match"); match != "" {
		if !matches(match, o.etag) {
			return errPreconditionFailed("If-Match")
		}
	} else if since, err := http.ParseTime(get("If-Unmodified-Since")); err == nil && modified.After(since) {
		return errPreconditionFailed("If-Unmodified-Since")
	}
	unchanged := ""
	if match := get("If-None-Match"); match != "" {
		if matches(match, o.etag) {
			unchanged = "If-None-Match"
		}
	} else if since, err := http.ParseTime(get("If-Modified-Since")); err == nil && !modified.After(since) {
		unchanged = "If-Modified-Since"
	}
	switch {
	case unchanged == "":
		return nil
	case prefix != "":
		return errPreconditionFailed(unchanged)
	}
	return &Error{Status: http.StatusNotModified, Code: "NotModified", Message: "Not Modified"}
}

// matches reports whether a list of entity tags contains the ETag.
func matches(list, etag string) bool {
	for entry := range strings.SplitSeq(list, ",") {
		if entry = strings.TrimSpace(entry); entry == "*" || unquoted(entry) == etag {
			return true
		}
	}
	return false
}

// unquoted returns an ETag without quotes, and without what makes it a weak one.
func unquoted(etag string) string {
	return strings.Trim(strings.TrimPrefix(strings.TrimSpace(etag), "W/"), `"`)
}
