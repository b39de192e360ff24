package transfer

import (
	"fmt"
	"mime"
	"net/http"
	"path"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/s3"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"github.com/rolecall/rolecall/internal/awscode"
)

// An object's properties are a header here, with canonical names and one value
// each, as S3 accepts and returns them.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/UsingMetadata.html

const (
	metadataPrefix = "X-Amz-Meta-"
	markerHeader   = metadataPrefix + "Rolecall"
	maxMetadata    = 2 << 10 // bytes of users' names and values
	maxHeaderBytes = 8 << 10 // bytes of all: S3 accepts no longer header
	awsChunked     = "aws-chunked"
)

var systemHeaders = []string{
	"Cache-Control", "Content-Disposition", "Content-Encoding", "Content-Language", "Content-Type", "Expires",
}

// copiedHeaders returns the part of a source's header that a copy keeps. The
// source's server may be anybody's: nothing else that it sends reaches the
// destination. A marker belongs to the job that wrote the source, and is not
// copied.
func copiedHeaders(header http.Header) (http.Header, error) {
	copied, size := http.Header{}, 0
	keep := func(name string, values []string) error {
		value := strings.Join(values, ",")
		if name == "Content-Encoding" {
			value = withoutChunked(value)
		}
		if value == "" && !strings.HasPrefix(name, metadataPrefix) {
			return nil
		}
		if size += len(name) + len(value); size > maxHeaderBytes {
			return malformed("the object's header is longer than S3 takes")
		}
		if strings.ContainsFunc(value, isControl) {
			return malformed("the object's header %.100q holds a control character", name)
		}
		copied[name] = []string{value}
		return nil
	}
	for _, name := range systemHeaders {
		if err := keep(name, header[name]); err != nil {
			return nil, err
		}
	}
	for name, values := range header {
		canonical := http.CanonicalHeaderKey(name)
		if !strings.HasPrefix(canonical, metadataPrefix) || canonical == markerHeader {
			continue
		}
		if short := canonical[len(metadataPrefix):]; short == "" || strings.ContainsFunc(short, notInName) {
			return nil, malformed("the object's metadata have the name %.100q", short)
		}
		if err := keep(canonical, values); err != nil {
			return nil, err
		}
	}
	return copied, nil
}

// notKept are the headers of a source that its copy does not have, and what they
// are called.
var notKept = []struct{ header, name string }{
	{"X-Amz-Website-Redirect-Location", "its website redirect"},
	{"X-Amz-Object-Lock-Mode", "its retention by object lock"},
	{"X-Amz-Object-Lock-Legal-Hold", "its legal hold"},
}

// droppedHeaders returns the names of what a copy does not keep of the source.
func droppedHeaders(header http.Header) []string {
	var out []string
	for _, h := range notKept {
		if value := header.Get(h.header); value != "" && value != "OFF" {
			out = append(out, h.name)
		}
	}
	return out
}

// withoutChunked removes aws-chunked, which describes how a body is sent, from
// a Content-Encoding.
func withoutChunked(encoding string) string {
	var rest []string
	for coding := range strings.SplitSeq(encoding, ",") {
		if coding = strings.TrimSpace(coding); coding != "" && !strings.EqualFold(coding, awsChunked) {
			rest = append(rest, coding)
		}
	}
	return strings.Join(rest, ",")
}

func isControl(r rune) bool { return r < ' ' || r == 0x7f }

// notInName reports whether the name of a header cannot have the character.
// https://www.rfc-editor.org/rfc/rfc9110#name-tokens
func notInName(r rune) bool {
	return r <= ' ' || r >= 0x7f || strings.ContainsRune(`"(),/:;<=>?@[\]{}`, r)
}

// properties returns the headers that set the object's properties.
func (u upload) properties() (http.Header, error) {
	h, err := u.sourceProperties()
	if err != nil {
		return nil, err
	}
	if u.options.Marker != "" && !u.options.Unmarked {
		h[markerHeader] = []string{u.options.Marker}
	}
	size := 0
	for name, values := range h {
		if short, ok := strings.CutPrefix(name, metadataPrefix); ok {
			size += len(short) + len(decoded(values[0]))
		}
	}
	if size > maxMetadata {
		return nil, &Error{
			Kind: Refused, Code: awscode.MetadataTooLarge,
			Err: fmt.Errorf("its metadata and the marker are %d bytes together, S3 takes %d", size, maxMetadata),
		}
	}
	return h, nil
}

// decoded returns a value as S3 measures it. S3 returns values that are not
// ASCII encoded.
func decoded(value string) string {
	if text, err := new(mime.WordDecoder).DecodeHeader(value); err == nil {
		return text
	}
	return value
}

// withHeaders adds the header to a request of the AWS SDK, which signs it.
func withHeaders(h http.Header) func(*s3.Options) {
	return func(o *s3.Options) {
		for name := range h {
			o.APIOptions = append(o.APIOptions, smithyhttp.SetHeaderValue(name, h.Get(name)))
		}
	}
}

// contentType returns the Content-Type for a file. The host's own tables are
// not used, since they differ between hosts.
func contentType(name string) string {
	if known, ok := mediaTypes[strings.ToLower(path.Ext(name))]; ok {
		return known
	}
	return "application/octet-stream"
}

// mediaTypes maps extensions to media types, which are registered ones where
// there are any.
// https://www.iana.org/assignments/media-types
var mediaTypes = map[string]string{
	".aac":  "audio/aac",
	".css":  "text/css",
	".csv":  "text/csv",
	".flac": "audio/flac",
	".gif":  "image/gif",
	".gz":   "application/gzip",
	".htm":  "text/html",
	".html": "text/html",
	".jpeg": "image/jpeg",
	".jpg":  "image/jpeg",
	".js":   "text/javascript",
	".json": "application/json",
	".m3u8": "application/vnd.apple.mpegurl",
	".m4v":  "video/x-m4v",
	".mkv":  "video/matroska",
	".mov":  "video/quicktime",
	".mp3":  "audio/mpeg",
	".mp4":  "video/mp4",
	".mpd":  "application/dash+xml",
	".mxf":  "application/mxf",
	".pdf":  "application/pdf",
	".png":  "image/png",
	".srt":  "application/x-subrip",
	".svg":  "image/svg+xml",
	".tar":  "application/x-tar",
	".tif":  "image/tiff",
	".tiff": "image/tiff",
	".ts":   "video/mp2t",
	".ttml": "application/ttml+xml",
	".txt":  "text/plain",
	".vtt":  "text/vtt",
	".wav":  "audio/wav",
	".webm": "video/webm",
	".webp": "image/webp",
	".xml":  "application/xml",
	".zip":  "application/zip",
}
