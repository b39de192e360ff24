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

// What an object carries beside its bytes is a header here, with canonical
// names and one value each, in the form in which S3 takes it and gives it back.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/UsingMetadata.html

const (
	metadataPrefix = "X-Amz-Meta-"
	markerHeader   = metadataPrefix + "Rolecall"
	maxMetadata    = 2 << 10 // bytes of users' names and values
	maxCarried     = 8 << 10 // bytes of all: S3 takes no longer header
	packing        = "aws-chunked"
)

var systemHeaders = []string{
	"Cache-Control", "Content-Disposition", "Content-Encoding", "Content-Language", "Content-Type", "Expires",
}

// carriedBy picks what a copy keeps of a source's header. The source's server
// may be anybody's: nothing else of what it says reaches the destination. A
// marker of ours belongs to the job that wrote the source, and stays there.
func carriedBy(header http.Header) (http.Header, error) {
	carried, size := http.Header{}, 0
	keep := func(name string, values []string) error {
		value := strings.Join(values, ",")
		if name == "Content-Encoding" {
			value = unpacked(value)
		}
		if value == "" && !strings.HasPrefix(name, metadataPrefix) {
			return nil
		}
		if size += len(name) + len(value); size > maxCarried {
			return malformed("the object's header is longer than S3 takes")
		}
		if strings.ContainsFunc(value, isControl) {
			return malformed("the object's header %.100q holds a control character", name)
		}
		carried[name] = []string{value}
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
	return carried, nil
}

// unpacked is a Content-Encoding without what says how a body is sent.
func unpacked(encoding string) string {
	var rest []string
	for coding := range strings.SplitSeq(encoding, ",") {
		if coding = strings.TrimSpace(coding); coding != "" && !strings.EqualFold(coding, packing) {
			rest = append(rest, coding)
		}
	}
	return strings.Join(rest, ",")
}

func isControl(r rune) bool { return r < ' ' || r == 0x7f }

// notInName finds what the name of a header cannot hold.
// https://www.rfc-editor.org/rfc/rfc9110#name-tokens
func notInName(r rune) bool {
	return r <= ' ' || r >= 0x7f || strings.ContainsRune(`"(),/:;<=>?@[\]{}`, r)
}

// properties are the headers that give the object what it carries.
func (u upload) properties() (http.Header, error) {
	h, err := u.carried()
	if err != nil {
		return nil, err
	}
	if u.options.Marker != "" {
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

// decoded is a value as S3 measures it, which gives what is not ASCII encoded.
func decoded(value string) string {
	if text, err := new(mime.WordDecoder).DecodeHeader(value); err == nil {
		return text
	}
	return value
}

// carrying adds the header to a request of the AWS SDK, which signs it.
func carrying(h http.Header) func(*s3.Options) {
	return func(o *s3.Options) {
		for name := range h {
			o.APIOptions = append(o.APIOptions, smithyhttp.SetHeaderValue(name, h.Get(name)))
		}
	}
}

// typeOf is the Content-Type for a file. What the host's own tables say would
// differ from one to the next.
func typeOf(name string) string {
	if known, ok := mediaTypes[strings.ToLower(path.Ext(name))]; ok {
		return known
	}
	return "application/octet-stream"
}

// mediaTypes are by extension, as registered where they are.
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
