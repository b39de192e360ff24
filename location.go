package rolecall

import (
	"net/netip"
	"net/url"
	"regexp"
	"strings"
	"unicode/utf8"

	"github.com/rolecall/rolecall/internal/strict"
)

// Location is a place in S3: a bucket and a key or a prefix of keys.
type Location struct {
	Bucket string
	Key    string // one object's key, or a prefix; may be empty
	Region string // if the URL has it
	Secret string // name of the secret whose keys authorize it, or empty
}

// ParseLocation reads s3://bucket/key, s3://{secret-name}@bucket/key and
// https://bucket.s3.region.amazonaws.com/key (with the older and the
// path-style forms of host). The key of an s3 URL is literal, that of an
// https URL encoded as S3 reads it: a plus is a space. Literal keys, passwords and presigned queries
// are refused, and no error shows them.
func ParseLocation(s string) (Location, error) {
	if e := otherPlace(s); e != nil {
		return Location{}, e
	}
	var l Location
	var err error
	switch {
	case strings.HasPrefix(s, "s3://"):
		l, err = parseS3URL(strings.TrimPrefix(s, "s3://"))
	case strings.HasPrefix(s, "https://"):
		l, err = parseHTTPSURL(s)
	case s == "":
		err = &Error{Code: Invalid, Message: "the location is empty"}
	default:
		err = &Error{Code: Invalid, Message: "the location is neither an s3:// nor an https:// URL"}
	}
	if err != nil {
		e := List(err)[0]
		if e.Hint == "" {
			e.Hint = "You: write s3://bucket/prefix/, s3://{secret-name}@bucket/prefix/ or https://bucket.s3.region.amazonaws.com/prefix/"
		}
		return Location{}, e
	}
	if err := validateBucket(l.Bucket); err != nil {
		return Location{}, err
	}
	if l.Key != "" {
		if err := validateKey(l.Key); err != nil {
			return Location{}, err
		}
	}
	for _, part := range strings.Split(l.Key, "/") {
		if part == ".." || part == "." {
			return Location{}, &Error{
				Code: Invalid, Message: "the key " + strict.Quote(l.Key) + " has a part . or ..",
				Hint: "You: name the object otherwise; S3 takes such parts literally, and much between here and there does not",
			}
		}
	}
	return l, nil
}

func parseS3URL(rest string) (Location, error) {
	authority, key, _ := strings.Cut(rest, "/")
	for i, c := range rest + "/" { // a secret access key may have slashes in it
		if (c == '@' || c == '/' && !bucketForm.MatchString(authority)) && strict.LooksSecret(rest[:i]) {
			return Location{}, literalCredential
		}
	}
	var l Location
	if at := strings.LastIndexByte(authority, '@'); at >= 0 {
		m := secretForm.FindStringSubmatch(authority[:at])
		if m == nil || strict.LooksSecret(m[1]) {
			return Location{}, literalCredential
		}
		l.Secret, authority = m[1], authority[at+1:]
	}
	// A secret access key may contain a slash, s3://AKIA…:ab/cd@bucket/, and
	// the rest may be missing.
	if strings.ContainsAny(authority, ":{}%") || strict.LooksSecret(authority) || accessKeyForm.MatchString(authority) {
		return Location{}, literalCredential
	}
	if presignedForm.MatchString(rest) {
		return Location{}, presigned
	}
	l.Bucket, l.Key = authority, key
	return l, nil
}

func parseHTTPSURL(s string) (Location, error) {
	u, err := url.Parse(s)
	if err != nil {
		// url.Error shows the URL, which may contain a secret, also one with slashes.
		if strings.Contains(s, "@") {
			return Location{}, literalCredential
		}
		return Location{}, &Error{Code: Invalid, Message: "the location is not a URL"}
	}
	if u.User != nil {
		return Location{}, literalCredential
	}
	if u.RawQuery != "" || u.ForceQuery {
		return Location{}, presigned
	}
	if u.Fragment != "" || strings.Contains(s, "#") {
		return Location{}, &Error{Code: Invalid, Message: "the location has a fragment", Hint: "You: write # in a key as %23"}
	}
	m := s3HostForm.FindStringSubmatch(u.Host)
	if m == nil {
		return Location{}, &Error{
			Code: Invalid, Message: "the host " + strict.Quote(u.Host) + " is not one of S3's",
			Hint: "You: for another S3-compatible service give s3://bucket/prefix/ and s3_endpoint_url",
		}
	}
	// S3 reads a plus in a path as a space, and its console writes it so: url.Parse
	// does not. A key's own plus is %2B.
	key, err := url.QueryUnescape(strings.TrimPrefix(u.EscapedPath(), "/"))
	if err != nil {
		return Location{}, &Error{Code: Invalid, Message: "the location is not a URL"}
	}
	l := Location{Bucket: strings.TrimSuffix(m[1], "."), Region: m[2], Key: key}
	if l.Bucket == "" {
		l.Bucket, l.Key, _ = strings.Cut(l.Key, "/")
	}
	return l, nil
}

var (
	literalCredential = &Error{
		Code: Invalid, Message: "the location holds a literal credential",
		Hint: "You: store the keys as a secret and write s3://{secret-name}@bucket/prefix/; treat the ones written here as leaked",
	}
	presigned = &Error{
		Code: Invalid, Message: "the location has a query, as presigned URLs do",
		Hint: "You: authorize by role_arn, a connection or a secret; treat a signature written here as leaked",
	}

	secretForm    = regexp.MustCompile(`^\{([A-Za-z0-9][A-Za-z0-9._-]{0,62})\}$`)
	accessKeyForm = regexp.MustCompile(`^(AKIA|ASIA|ABIA|ACCA)[A-Z0-9]`)
	presignedForm = regexp.MustCompile(`(?i)\?(.*&)?(x-amz-[a-z-]+|awsaccesskeyid|signature|expires)=`)
	// https://docs.aws.amazon.com/AmazonS3/latest/userguide/VirtualHosting.html
	s3HostForm = regexp.MustCompile(`^((?:[a-z0-9][a-z0-9.-]*\.)?)s3(?:[.-](?:dualstack\.)?([a-z]{2,4}(?:-[a-z]+)+-[0-9]+))?\.(?:amazonaws\.com|amazonaws\.com\.cn|amazonaws\.eu)$`)
	bucketForm = regexp.MustCompile(`^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$`)
)

// https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html
func validateBucket(name string) error {
	bad := func(why string) error {
		return &Error{
			Code: Invalid, Message: strict.Quote(name) + " is not a bucket name: " + why,
			Hint: "You: use 3 to 63 lowercase letters, digits, dots and hyphens",
		}
	}
	switch {
	case name == "":
		return &Error{Code: Invalid, Message: "the bucket is missing", Hint: "You: write s3://bucket/prefix/"}
	case arnForm.MatchString(name):
		return otherPlace(name)
	case awsHostForm.MatchString(name):
		return &Error{Code: Invalid, Message: strict.Quote(name) + " is a host of AWS's, and not the name of a bucket", Hint: "You: give the bucket's name alone"}
	case strings.HasPrefix(name, "arn:"):
		return bad("it is an ARN")
	case strict.LooksSecret(name), holdsCredential(name):
		return &Error{
			Code: Invalid, Message: "the bucket holds what looks like a literal credential",
			Hint: "You: give its name alone, and store the keys as a secret; treat the ones written here as leaked",
		}
	case !bucketForm.MatchString(name):
		return bad("it has characters or a length that S3 does not allow")
	case strings.Contains(name, ".."):
		return bad("it has two dots in a row")
	case strings.Contains(name, ".-"), strings.Contains(name, "-."):
		return bad("it has a hyphen beside a dot")
	}
	if _, err := netip.ParseAddr(name); err == nil {
		return bad("it has the form of an IP address")
	}
	if e := specialName(name); e != nil {
		return e
	}
	return nil
}

// holdsCredential reports whether a location that was written as a name may
// contain keys or a signature, which no error shows.
func holdsCredential(s string) bool {
	if strings.HasPrefix(s, "https://") {
		u, err := url.Parse(s)
		return err != nil || u.User != nil || u.RawQuery != ""
	}
	s = strings.TrimPrefix(s, "s3://")
	_, err := parseS3URL(s)
	return err != nil && strings.ContainsAny(s, "@:?")
}

// https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-keys.html
func validateKey(key string) error {
	switch {
	case len(key) > 1024:
		return &Error{Code: Invalid, Message: "the key is longer than 1024 bytes", Hint: "You: give a shorter one"}
	case !utf8.ValidString(key):
		return &Error{Code: Invalid, Message: "the key is not UTF-8", Hint: "You: write it in UTF-8"}
	case strings.ContainsRune(key, 0):
		return &Error{Code: Invalid, Message: "the key has a NUL character", Hint: "You: leave it out"}
	}
	return nil
}
