package sigv4

import (
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

const (
	algorithm  = "AWS4-HMAC-SHA256"
	timeFormat = "20060102T150405Z"
	dateFormat = "20060102" // of the credential's scope
	// maxSkew is how far a signature's time may be from the server's.
	maxSkew = 15 * time.Minute
	// maxPresign is the longest that a presigned request may live.
	maxPresign = 7 * 24 * time.Hour
)

// Kind is why a request's signature was refused. Each service has its own code
// and words for a kind.
type Kind int

// The kinds of refusal.
const (
	Malformed   Kind = iota + 1 // the header or query does not parse
	BadScope                    // the credential has another form, or is for another service
	WrongDate                   // the date of the credential is not the one of the request
	NoDate                      // neither X-Amz-Date nor Date is a date
	Unsupported                 // another algorithm than AWS4-HMAC-SHA256
	Foreign                     // an Authorization that is none of AWS's
	Ambiguous                   // signed in the header and in the query
	Mismatch                    // the signature is not the one of this request
	Unsigned                    // an x-amz-* header is present and not signed
	Skewed                      // signed too long ago, or in the future
	Early                       // a presigned request before its time
	Expired                     // a presigned request after its time
	NoHash                      // x-amz-content-sha256 is missing
	BadHash                     // x-amz-content-sha256 is malformed
	WrongHash                   // the body is not the one that was hashed
	BadChunk                    // the aws-chunked framing is broken
	ChunkSize                   // a chunk's size is no number, or below the least
	BadTrailer                  // the trailer is broken, or not what was announced
	LongBody                    // the body is longer than the service takes
	ShortBody                   // the body ends before its declared length
)

// Error is a refusal.
type Error struct {
	Kind    Kind
	Message string
	// Headers are the names of the unsigned headers, for Unsigned.
	Headers []string
	// Value is what x-amz-content-sha256 says, for BadHash.
	Value string
	// Canonical and ToSign are what the server signed, for Mismatch: they help
	// to debug a client and show nothing that it did not send.
	Canonical, ToSign string
}

func (e *Error) Error() string { return e.Message }

func fault(kind Kind, message string) *Error { return &Error{Kind: kind, Message: message} }

// Signature is what a request claims about its signing; nothing of it is
// proven before Verify.
type Signature struct {
	AccessKeyID string
	Region      string
	Service     string
	Time        time.Time
	Expires     time.Duration // of a presigned request
	Presigned   bool
	Token       string // session token, or empty

	date    string // of the scope
	headers []string
	given   string // hex
}

// Parse reads the signature of a request. It returns nil and no error for a
// request that is not signed.
func Parse(r *http.Request) (*Signature, error) {
	query := parseQuery(r.URL.RawQuery)
	header := slices.DeleteFunc(slices.Clone(r.Header.Values("Authorization")), func(v string) bool { return v == "" })
	inQuery := query.has("X-Amz-Algorithm") || query.has("X-Amz-Signature") || query.has("X-Amz-Credential")
	switch {
	case len(header) > 1 || len(header) == 1 && inQuery:
		return nil, fault(Ambiguous, "only one auth mechanism is allowed")
	case inQuery:
		return parsePresigned(query)
	case len(header) == 1:
		return parseHeader(header[0], r.Header)
	case query.has("AWSAccessKeyId") && query.has("Signature"):
		return nil, fault(Unsupported, "signature version 2 is not supported")
	default:
		return nil, nil
	}
}

func parseHeader(value string, h http.Header) (*Signature, error) {
	name, rest, _ := strings.Cut(value, " ")
	if !strings.HasPrefix(name, "AWS") {
		return nil, fault(Foreign, "unsupported authorization type")
	}
	if name != algorithm {
		return nil, fault(Unsupported, "the authorization mechanism is not supported")
	}
	s := Signature{Token: h.Get("X-Amz-Security-Token")}
	var credential, signed string
	for part := range strings.SplitSeq(rest, ",") {
		part = strings.TrimSpace(part)
		key, v, found := strings.Cut(part, "=")
		if !found && part != "" {
			return nil, fault(Malformed, "the authorization component "+strconv.Quote(part)+" is malformed.")
		}
		var into *string
		switch key {
		case "Credential":
			into = &credential
		case "SignedHeaders":
			into = &signed
		case "Signature":
			into = &s.given
		default:
			return nil, errComponents()
		}
		if *into != "" || v == "" {
			return nil, errComponents()
		}
		*into = v
	}
	if credential == "" || signed == "" || s.given == "" {
		return nil, errComponents()
	}
	if err := s.scope(credential); err != nil {
		return nil, err
	}
	if err := s.list(signed); err != nil {
		return nil, err
	}
	var err error
	if s.Time, err = headerTime(h); err != nil {
		return nil, err
	}
	return s.checked()
}

func errComponents() *Error {
	return fault(Malformed, "the authorization header requires three components: Credential, SignedHeaders, and Signature.")
}

// headerTime is the time of signing: x-amz-date, else Date.
func headerTime(h http.Header) (time.Time, error) {
	v := h.Get("X-Amz-Date")
	if v == "" {
		v = h.Get("Date")
		if t, err := http.ParseTime(v); err == nil {
			return t, nil
		}
	}
	t, err := time.Parse(timeFormat, v)
	if err != nil {
		return t, fault(NoDate, "AWS authentication requires a valid Date or x-amz-date header")
	}
	return t, nil
}

// scope reads KEY/yyyymmdd/region/service/aws4_request.
func (s *Signature) scope(credential string) error {
	parts := strings.Split(credential, "/")
	if len(parts) != 5 || slices.Contains(parts, "") {
		return fault(BadScope, `the Credential is mal-formed; expecting "<YOUR-AKID>/YYYYMMDD/REGION/SERVICE/aws4_request".`)
	}
	s.AccessKeyID, s.date, s.Region, s.Service = parts[0], parts[1], parts[2], parts[3]
	if _, err := time.Parse(dateFormat, s.date); err != nil {
		return fault(BadScope, "incorrect date format "+strconv.Quote(s.date)+`. This date in the credential must be in the format "yyyyMMdd".`)
	}
	if parts[4] != "aws4_request" {
		return fault(BadScope, "incorrect terminal "+strconv.Quote(parts[4])+`. This endpoint uses "aws4_request".`)
	}
	return nil
}

// ForService refuses a signature for another service than the endpoint's.
func (s *Signature) ForService(service string) error {
	if s.Service == service {
		return nil
	}
	return fault(BadScope, "incorrect service "+strconv.Quote(s.Service)+". This endpoint belongs to "+strconv.Quote(service)+".")
}

func (s *Signature) list(signed string) error {
	s.headers = strings.Split(signed, ";")
	if !slices.IsSorted(s.headers) || len(slices.Compact(slices.Clone(s.headers))) != len(s.headers) || strings.ToLower(signed) != signed {
		return fault(Malformed, "the signed headers must be in lower case, sorted and without repetition")
	}
	if !slices.Contains(s.headers, "host") {
		return fault(Malformed, "the Host header must be signed")
	}
	return nil
}

func (s *Signature) checked() (*Signature, error) {
	if len(s.given) != 64 || strings.Trim(s.given, "0123456789abcdef") != "" {
		return nil, fault(Malformed, "the signature must be 64 hexadecimal digits in lower case")
	}
	return s, nil
}

// checkDate refuses a credential of another day than the request's.
func (s *Signature) checkDate() error {
	if day := s.Time.UTC().Format(dateFormat); s.date != day {
		return fault(WrongDate, "Invalid credential date "+strconv.Quote(s.date)+". This date is not the same as X-Amz-Date: "+strconv.Quote(day)+".")
	}
	return nil
}

func (s *Signature) scopeString() string {
	return s.date + "/" + s.Region + "/" + s.Service + "/aws4_request"
}

// query is a decoded query string, in order, repetitions kept.
type query [][2]string

// parseQuery decodes percent escapes and '+'. A broken escape is kept as it
// is: the signature decides.
func parseQuery(raw string) query {
	var q query
	for pair := range strings.SplitSeq(raw, "&") {
		if pair == "" {
			continue
		}
		name, value, _ := strings.Cut(pair, "=")
		q = append(q, [2]string{unescape(name), unescape(value)})
	}
	return q
}

func unescape(s string) string {
	if out, err := url.QueryUnescape(s); err == nil {
		return out
	}
	return s
}

func (q query) get(name string) string {
	for _, pair := range q {
		if pair[0] == name {
			return pair[1]
		}
	}
	return ""
}

func (q query) has(name string) bool {
	return slices.ContainsFunc(q, func(pair [2]string) bool { return pair[0] == name })
}
