package rolecall

import (
	"net/url"
	"regexp"
	"strings"

	"github.com/rolecall/rolecall/internal/strict"
)

// otherPlace returns the error for what is written where a location or the name
// of a bucket belongs and is something else that S3, its console or other
// services know by it; nil if it is none of these. The error shows nothing of
// it that may be a secret.
func otherPlace(s string) *Error {
	rest := strings.TrimPrefix(s, "s3://")
	if m := arnForm.FindStringSubmatch(rest); m != nil {
		return arnPlace(m)
	}
	authority, _, _ := strings.Cut(rest, "/")
	switch {
	case rest != s && hostPortForm.MatchString(authority) && !accessKeyForm.MatchString(authority):
		return &Error{
			Code: Invalid, Message: "the location has a port after its first part, which is a host's and not a bucket's",
			Hint: "You: write s3://bucket/prefix/ as location, and the host with its port as s3_endpoint_url, for example https://s3.example.com:9000",
		}
	case rest != s && placeholderForm.MatchString(authority):
		return &Error{
			Code: Invalid, Message: "the location has a placeholder where the bucket's name belongs",
			Hint: "You: write the bucket's own name, as in s3://bucket/prefix/",
		}
	case rest != s && awsHostForm.MatchString(strings.ToLower(authority)):
		return hostAsBucket("https://" + rest)
	case strings.HasPrefix(s, "https://"):
		return otherHost(s)
	}
	return nil
}

// hostAsBucket returns the error for a location s3://host/…, given as https://host/….
func hostAsBucket(s string) *Error {
	if e := otherHost(s); e != nil {
		return e
	}
	e := &Error{
		Code: Invalid, Message: "the location begins with a host of AWS's, where the bucket's name belongs", Hint: "You: write s3://bucket/prefix/",
	}
	if l, err := parseHTTPSURL(s); err == nil && bucketForm.MatchString(l.Bucket) {
		e.Hint = "You: write s3://" + l.Bucket + "/" + l.Key
	}
	return e
}

// arnPlace returns the error for an ARN, by its parts.
func arnPlace(m []string) *Error {
	service, resource := m[1], m[2]
	e := &Error{Code: Invalid, Message: "this is an ARN, and a bucket is given by its name"}
	switch kind, _, _ := strings.Cut(resource, "/"); {
	case service != "s3":
		e.Message += ": the ARN is of the service " + service
		e.Hint = "You: write s3://bucket/prefix/, with the name of a general purpose bucket"
	case strings.HasPrefix(resource, "accesspoint"):
		e.Message = "this is the ARN of an access point, and access points are not supported"
		e.Hint = "You: write s3://bucket/prefix/, with the name of the bucket behind the access point"
	case bucketForm.MatchString(kind):
		e.Hint = "You: write s3://" + kind + "/prefix/"
	default:
		e.Hint = "You: write s3://bucket/prefix/"
	}
	return e
}

// otherHost returns the error for an https URL that leads to S3, but not to the
// objects of a bucket.
func otherHost(s string) *Error {
	u, err := url.Parse(s)
	if err != nil || u.User != nil {
		return nil
	}
	host := strings.ToLower(u.Hostname())
	for _, h := range []struct{ part, message, hint string }{
		{"console.", "this is the address of a page in AWS's console", "You: write s3://bucket/prefix/, or copy the S3 URI that the console shows"},
		{".s3-accesspoint.", "this is the host of an access point, and access points are not supported", behindIt},
		{".accesspoint.s3-global.", "this is the host of a multi-region access point, and access points are not supported", behindIt},
		{".s3-object-lambda.", "this is the host of an Object Lambda access point, and access points are not supported", behindIt},
		{".s3-outposts.", "this is the host of S3 on Outposts, which is not supported", behindIt},
		{"s3express-", "this is the host of a directory bucket, and directory buckets are not supported", "You: name a general purpose bucket"},
		{"s3-website", "this is the host of a website, and not of S3's API", "You: write s3://bucket/prefix/"},
		{"s3-accelerate.", "this is the host of transfer acceleration, which is not supported", "You: write s3://bucket/prefix/"},
		{"s3-fips", "this is the host of a FIPS endpoint, which is not supported", "You: write s3://bucket/prefix/"},
		{"s3-control", "this is the host of S3 Control, and not of a bucket", "You: write s3://bucket/prefix/"},
	} {
		if strings.Contains("."+host, "."+strings.TrimPrefix(h.part, ".")) && awsHostForm.MatchString(host) {
			return &Error{Code: Invalid, Message: h.message, Hint: h.hint}
		}
	}
	if u.RawQuery != "" && !presignedForm.MatchString("?"+u.RawQuery) && s3HostForm.MatchString(u.Host) {
		e := &Error{
			Code: Invalid, Message: "the location has a query, as presigned URLs do; this one holds no signature",
			Hint: "You: leave out the question mark and all after it; a question mark in a key is %3F",
		}
		if u.Query().Has("versionId") {
			e.Message = "the location names a version of the object, and only current versions are read"
		}
		return e
	}
	return nil
}

const behindIt = "You: write s3://bucket/prefix/, with the name of the bucket behind it"

// specialNames are endings and beginnings that S3 keeps for other things than
// general purpose buckets. The AWS SDK sends requests for most of them elsewhere.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/access-points-naming.html
var specialNames = []struct{ prefix, suffix, of, hint string }{
	{suffix: "--x-s3", of: "a directory bucket", hint: "You: name a general purpose bucket; directory buckets are not supported"},
	{suffix: "--xa-s3", of: "an access point of a directory bucket", hint: "You: name a general purpose bucket; directory buckets are not supported"},
	{suffix: "-s3alias", of: "the alias of an access point", hint: "You: name the bucket behind the access point; access points are not supported"},
	{suffix: "--ol-s3", of: "the alias of an Object Lambda access point", hint: "You: name the bucket behind the access point; access points are not supported"},
	{suffix: "--op-s3", of: "the alias of a bucket or access point on Outposts", hint: "You: name a general purpose bucket; S3 on Outposts is not supported"},
	{suffix: ".mrap", of: "the alias of a multi-region access point", hint: "You: name one of the buckets behind the access point; access points are not supported"},
	{suffix: "--table-s3", of: "a table bucket", hint: "You: name a general purpose bucket; table buckets are not supported"},
	{prefix: "xn--", of: "nothing: S3 does not allow buckets that begin so", hint: "You: correct the name of the bucket"},
	{prefix: "amzn-s3-demo-", of: "nothing: AWS keeps buckets that begin so for its documentation", hint: "You: correct the name of the bucket"},
	{prefix: "sthree-", of: "nothing: S3 does not allow buckets that begin so", hint: "You: correct the name of the bucket"},
}

// specialName returns the error for a name that S3 keeps for something else
// than a general purpose bucket, or nil.
func specialName(name string) *Error {
	for _, s := range specialNames {
		if strings.HasPrefix(name, s.prefix) && strings.HasSuffix(name, s.suffix) {
			return &Error{Code: Invalid, Message: strict.Quote(name) + " is the name of " + s.of, Hint: s.hint}
		}
	}
	return nil
}

var (
	arnForm         = regexp.MustCompile(`^arn:aws[a-z-]*:([a-z0-9-]+):[a-z0-9-]*:[0-9]*:([A-Za-z0-9*./:_-]*)`)
	hostPortForm    = regexp.MustCompile(`^(?:[A-Za-z0-9.-]+|\[[0-9a-fA-F:.]+\]):[0-9]{1,5}$`)
	placeholderForm = regexp.MustCompile(`^(?:\$\{?[A-Za-z_][A-Za-z0-9_]*\}?|\{\{ ?[A-Za-z_.][A-Za-z0-9_.]* ?\}\}|\{[A-Za-z_][A-Za-z0-9_]{0,30}\}|<[A-Za-z_ -]{1,40}>)$`)
	awsHostForm     = regexp.MustCompile(`(?:^|\.)(?:amazonaws\.com|amazonaws\.com\.cn|amazonaws\.eu|aws\.amazon\.com|amazonaws-us-gov\.com|amazonaws\.cn|amazonaws-eusc\.eu)$`)
)
