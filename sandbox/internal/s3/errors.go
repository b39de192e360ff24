package s3

import (
	"net/http"
	"strconv"
)

// Each error is here once, in AWS's words.

func errAccessDenied() *Error {
	return &Error{Status: http.StatusForbidden, Code: "AccessDenied", Message: "Access Denied"}
}

func errBadDigest(what string) *Error {
	return &Error{Status: http.StatusBadRequest, Code: "BadDigest", Message: "The " + what + " you specified did not match the calculated checksum."}
}

func errBucketNotEmpty() *Error {
	return &Error{Status: http.StatusConflict, Code: "BucketNotEmpty", Message: "The bucket you tried to delete is not empty"}
}

func errContentMD5() *Error {
	return &Error{Status: http.StatusBadRequest, Code: "BadDigest", Message: "The Content-MD5 you specified did not match what we received."}
}

func errEntityTooLarge(size, limit int64) *Error {
	return (&Error{Status: http.StatusBadRequest, Code: "EntityTooLarge", Message: "Your proposed upload exceeds the maximum allowed size"}).
		with("ProposedSize", strconv.FormatInt(size, 10)).with("MaxSizeAllowed", strconv.FormatInt(limit, 10))
}

func errEntityTooSmall(p *part) *Error {
	return (&Error{Status: http.StatusBadRequest, Code: "EntityTooSmall", Message: "Your proposed upload is smaller than the minimum allowed size"}).
		with("ProposedSize", strconv.FormatInt(p.size, 10)).with("MinSizeAllowed", strconv.Itoa(minPart)).
		with("PartNumber", strconv.Itoa(p.number)).with("ETag", p.etag)
}

func errIncompleteBody() *Error {
	return &Error{Status: http.StatusBadRequest, Code: "IncompleteBody", Message: "You did not provide the number of bytes specified by the Content-Length HTTP header"}
}

func errInternal() *Error {
	return &Error{Status: http.StatusInternalServerError, Code: "InternalError", Message: "We encountered an internal error. Please try again."}
}

// errInvalidArgument is about the argument of that name, or of none that has
// one.
func errInvalidArgument(message, name, value string) *Error {
	e := &Error{Status: http.StatusBadRequest, Code: "InvalidArgument", Message: message}
	if name == "" {
		return e
	}
	return e.with("ArgumentName", name).with("ArgumentValue", value)
}

func errInvalidBucketState(message string) *Error {
	return &Error{Status: http.StatusConflict, Code: "InvalidBucketState", Message: message}
}

func errInvalidBucketName(name string) *Error {
	return (&Error{Status: http.StatusBadRequest, Code: "InvalidBucketName", Message: "The specified bucket is not valid."}).with("BucketName", name)
}

func errInvalidDigest() *Error {
	return &Error{Status: http.StatusBadRequest, Code: "InvalidDigest", Message: "The Content-MD5 you specified was invalid."}
}

func errInvalidObjectState(class string) *Error {
	return (&Error{Status: http.StatusForbidden, Code: "InvalidObjectState", Message: "The operation is not valid for the object's storage class"}).
		with("StorageClass", class)
}

func errInvalidOwner() *Error {
	return &Error{Status: http.StatusBadRequest, Code: "InvalidBucketOwnerAWSAccountID", Message: "The value of the expected bucket owner parameter must be an AWS account ID."}
}

func errInvalidPart() *Error {
	return &Error{Status: http.StatusBadRequest, Code: "InvalidPart", Message: "One or more of the specified parts could not be found.  The part may not have been uploaded, or the specified entity tag may not match the part's entity tag."}
}

func errInvalidPartOrder() *Error {
	return &Error{Status: http.StatusBadRequest, Code: "InvalidPartOrder", Message: "The list of parts was not in ascending order. Parts must be ordered by part number."}
}

func errInvalidPartNumber() *Error {
	return &Error{Status: http.StatusRequestedRangeNotSatisfiable, Code: "InvalidPartNumber", Message: "The requested partnumber is not satisfiable"}
}

func errInvalidRange(asked string, size int64) *Error {
	return (&Error{Status: http.StatusRequestedRangeNotSatisfiable, Code: "InvalidRange", Message: "The requested range is not satisfiable"}).
		with("RangeRequested", asked).with("ActualObjectSize", strconv.FormatInt(size, 10))
}

func errInvalidRequest(message string) *Error {
	return &Error{Status: http.StatusBadRequest, Code: "InvalidRequest", Message: message}
}

func errInvalidStorageClass() *Error {
	return &Error{Status: http.StatusBadRequest, Code: "InvalidStorageClass", Message: "The storage class you specified is not valid"}
}

func errInvalidTag(message string) *Error {
	return &Error{Status: http.StatusBadRequest, Code: "InvalidTag", Message: message}
}

func errInvalidURI() *Error {
	return &Error{Status: http.StatusBadRequest, Code: "InvalidURI", Message: "Couldn't parse the specified URI."}
}

func errKeyTooLong(size int) *Error {
	return (&Error{Status: http.StatusBadRequest, Code: "KeyTooLongError", Message: "Your key is too long"}).
		with("Size", strconv.Itoa(size)).with("MaxSizeAllowed", "1024")
}

func errMalformedXML() *Error {
	return &Error{Status: http.StatusBadRequest, Code: "MalformedXML", Message: "The XML you provided was not well-formed or did not validate against our published schema"}
}

func errMethodNotAllowed() *Error {
	return &Error{Status: http.StatusMethodNotAllowed, Code: "MethodNotAllowed", Message: "The specified method is not allowed against this resource."}
}

func errMissingContentLength() *Error {
	return &Error{Status: http.StatusLengthRequired, Code: "MissingContentLength", Message: "You must provide the Content-Length HTTP header."}
}

func errNoSuchBucket(name string) *Error {
	return (&Error{Status: http.StatusNotFound, Code: "NoSuchBucket", Message: "The specified bucket does not exist"}).
		with("BucketName", name)
}

func errNoSuchBucketPolicy(name string) *Error {
	return (&Error{Status: http.StatusNotFound, Code: "NoSuchBucketPolicy", Message: "The bucket policy does not exist"}).
		with("BucketName", name)
}

func errNoSuchKey(key string) *Error {
	return (&Error{Status: http.StatusNotFound, Code: "NoSuchKey", Message: "The specified key does not exist."}).with("Key", key)
}

func errNoSuchUpload(id string) *Error {
	return (&Error{Status: http.StatusNotFound, Code: "NoSuchUpload", Message: "The specified upload does not exist. The upload ID may be invalid, or the upload may have been aborted or completed."}).
		with("UploadId", id)
}

func errNoSuchVersion(key, version string) *Error {
	return (&Error{Status: http.StatusNotFound, Code: "NoSuchVersion", Message: "The specified version does not exist."}).
		with("Key", key).with("VersionId", version)
}

func errNotImplemented(operation string) *Error {
	return &Error{Status: http.StatusNotImplemented, Code: "NotImplemented", Message: "The sandbox does not implement the operation " + operation}
}

func errHeaderNotImplemented(header string) *Error {
	return (&Error{Status: http.StatusNotImplemented, Code: "NotImplemented", Message: "A header you provided implies functionality that is not implemented"}).
		with("Header", header)
}

func errPreconditionFailed(condition string) *Error {
	return (&Error{Status: http.StatusPreconditionFailed, Code: "PreconditionFailed", Message: "At least one of the pre-conditions you specified did not hold"}).
		with("Condition", condition)
}
