package s3

import (
	"net"
	"net/http"
	"slices"
	"strings"
	"unicode/utf8"
)

// target is what a request asks for.
type target struct{ operation, bucket, key string }

// Operation names what the request asks for in AWS's words, "PutObject". It
// also names operations that the Service does not implement.
func Operation(r *http.Request) string { return route(lift(r)).operation }

// lift returns a request with the x-amz-* parameters of a presigned query
// among its headers, where the operations read them.
func lift(r *http.Request) *http.Request {
	if !strings.Contains(strings.ToLower(r.URL.RawQuery), "x-amz-") {
		return r
	}
	header := r.Header.Clone()
	for name, values := range r.URL.Query() {
		canonical := http.CanonicalHeaderKey(name)
		switch canonical {
		case "X-Amz-Algorithm", "X-Amz-Credential", "X-Amz-Date", "X-Amz-Expires", "X-Amz-Security-Token", "X-Amz-Signature", "X-Amz-Signedheaders":
			continue
		}
		if strings.HasPrefix(canonical, "X-Amz-") && header[canonical] == nil {
			header[canonical] = values
		}
	}
	r = r.WithContext(r.Context()) // a shallow copy: the trailer stays the same
	r.Header = header
	return r
}

// Target returns the bucket and the key that a request names, by host or path;
// both may be empty.
func Target(r *http.Request) (bucket, key string) {
	path := strings.TrimPrefix(r.URL.Path, "/")
	if bucket = hostBucket(r.Host); bucket != "" {
		return bucket, path
	}
	bucket, key, _ = strings.Cut(path, "/")
	return bucket, key
}

// hostBucket returns the bucket of a virtual-host style host name: one below
// amazonaws.com or localhost. The rest is path style.
func hostBucket(host string) string {
	if h, _, err := net.SplitHostPort(host); err == nil {
		host = h
	}
	name, local := strings.CutSuffix(host, ".localhost")
	if !local {
		var aws bool
		for _, domain := range []string{".amazonaws.com", ".amazonaws.com.cn", ".amazonaws.eu"} {
			if name, aws = strings.CutSuffix(host, domain); aws {
				break
			}
		}
		if !aws {
			return ""
		}
	}
	// The service's label is the last "s3": a bucket's name may hold others.
	labels := strings.Split(name, ".")
	for i := len(labels) - 1; i >= 0; i-- {
		if labels[i] == "s3" || strings.HasPrefix(labels[i], "s3-") {
			return strings.Join(labels[:i], ".")
		}
	}
	if local {
		return name
	}
	return ""
}

func route(r *http.Request) target {
	bucket, key := Target(r)
	return target{operation(r, bucket, key), bucket, key}
}

// operation names the request by method, path and subresource.
func operation(r *http.Request, bucket, key string) string {
	query := r.URL.Query()
	switch {
	case bucket == "" && r.Method == http.MethodGet && len(r.URL.Path) <= 1:
		return "ListBuckets"
	case bucket == "":
		return "Unknown"
	case key != "":
		return objectOperation(r, query.Has)
	}
	return bucketOperation(r, query)
}

func objectOperation(r *http.Request, has func(string) bool) string {
	for _, sub := range [][2]string{
		{"acl", "Acl"},
		{"tagging", "Tagging"},
		{"retention", "Retention"},
		{"legal-hold", "LegalHold"},
		{"torrent", "Torrent"},
		{"attributes", "Attributes"},
		{"encryption", "Encryption"},
	} {
		if has(sub[0]) {
			return verb(r) + "Object" + sub[1]
		}
	}
	copied := r.Header.Get("X-Amz-Copy-Source") != ""
	switch r.Method {
	case http.MethodGet:
		if has("uploadId") {
			return "ListParts"
		}
		return "GetObject"
	case http.MethodHead:
		return "HeadObject"
	case http.MethodPut:
		switch {
		case has("renameObject"):
			return "RenameObject"
		case has("uploadId") && copied:
			return "UploadPartCopy"
		case has("uploadId") || has("partNumber"):
			return "UploadPart"
		case copied:
			return "CopyObject"
		}
		return "PutObject"
	case http.MethodPost:
		switch {
		case has("uploads"):
			return "CreateMultipartUpload"
		case has("uploadId"):
			return "CompleteMultipartUpload"
		case has("restore"):
			return "RestoreObject"
		case has("select"):
			return "SelectObjectContent"
		}
	case http.MethodDelete:
		if has("uploadId") {
			return "AbortMultipartUpload"
		}
		return "DeleteObject"
	}
	return "Unknown"
}

func bucketOperation(r *http.Request, query map[string][]string) string {
	has := func(name string) bool { return query[name] != nil }
	for _, sub := range [][2]string{
		{"abac", "BucketAbac"},
		{"accelerate", "BucketAccelerateConfiguration"},
		{"acl", "BucketAcl"},
		{"analytics", "BucketAnalyticsConfiguration"},
		{"cors", "BucketCors"},
		{"encryption", "BucketEncryption"},
		{"intelligent-tiering", "BucketIntelligentTieringConfiguration"},
		{"inventory", "BucketInventoryConfiguration"},
		{"lifecycle", "BucketLifecycleConfiguration"},
		{"location", "BucketLocation"},
		{"logging", "BucketLogging"},
		{"metrics", "BucketMetricsConfiguration"},
		{"notification", "BucketNotificationConfiguration"},
		{"object-lock", "ObjectLockConfiguration"},
		{"ownershipControls", "BucketOwnershipControls"},
		{"policy", "BucketPolicy"},
		{"policyStatus", "BucketPolicyStatus"},
		{"publicAccessBlock", "PublicAccessBlock"},
		{"replication", "BucketReplication"},
		{"requestPayment", "BucketRequestPayment"},
		{"tagging", "BucketTagging"},
		{"versioning", "BucketVersioning"},
		{"website", "BucketWebsite"},
	} {
		if has(sub[0]) {
			if slices.Contains(listed, sub[0]) && r.Method == http.MethodGet && !has("id") {
				return "List" + sub[1] + "s"
			}
			return verb(r) + sub[1]
		}
	}
	switch r.Method {
	case http.MethodGet:
		switch {
		case has("uploads"):
			return "ListMultipartUploads"
		case has("versions"):
			return "ListObjectVersions"
		case has("session"):
			return "CreateSession"
		case len(query["list-type"]) > 0 && query["list-type"][0] == "2":
			return "ListObjectsV2"
		}
		return "ListObjects"
	case http.MethodHead:
		return "HeadBucket"
	case http.MethodPut:
		return "CreateBucket"
	case http.MethodPost:
		if has("delete") {
			return "DeleteObjects"
		}
		return "PostObject"
	case http.MethodDelete:
		return "DeleteBucket"
	}
	return "Unknown"
}

// listed are the subresources of a bucket of which there can be several, each
// with an id.
var listed = []string{"analytics", "intelligent-tiering", "inventory", "metrics"}

func verb(r *http.Request) string {
	switch r.Method {
	case http.MethodPut:
		return "Put"
	case http.MethodDelete:
		return "Delete"
	}
	return "Get"
}

// checkKey checks S3's rules for keys: UTF-8 of at most 1,024 bytes. Nothing
// else is forbidden: "../x", "a//b" and "/" are keys.
func checkKey(key string) error {
	if !utf8.ValidString(key) {
		return errInvalidURI()
	}
	if len(key) > 1024 {
		return errKeyTooLong(len(key))
	}
	return nil
}
