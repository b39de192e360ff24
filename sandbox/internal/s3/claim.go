package s3

import (
	"crypto/md5" //nolint:gosec // S3's ETag is MD5
	"encoding/base64"
	"maps"
	"net/http"
	"slices"
	"strings"
)

// claim is what a request claims about its body.
type claim struct {
	md5       []byte
	algorithm string // empty when the request has no checksum
	value     string // empty when it comes in the trailer
}

// readClaim reads the checksum headers of an upload.
func readClaim(h http.Header) (claim, error) {
	var c claim
	if given, ok := h["Content-Md5"]; ok {
		sum, err := base64.StdEncoding.DecodeString(given[0])
		if err != nil || len(sum) != md5.Size {
			return c, errInvalidDigest()
		}
		c.md5 = sum
	}
	if err := checkAlgorithms(h); err != nil {
		return c, err
	}
	trailer := strings.ToLower(strings.TrimSpace(h.Get("X-Amz-Trailer")))
	for _, algorithm := range algorithms {
		values, given := h[http.CanonicalHeaderKey(checksumHeader(algorithm))]
		if !given && trailer != "x-amz-checksum-"+strings.ToLower(algorithm) {
			continue
		}
		if c.algorithm != "" {
			return c, errInvalidRequest("Expecting a single x-amz-checksum- header. Multiple checksum Types are not allowed.")
		}
		if given && !validChecksum(algorithm, values[0]) {
			return c, errInvalidRequest("Value for x-amz-checksum-" + strings.ToLower(algorithm) + " header is invalid.")
		}
		c.algorithm, c.value = algorithm, h.Get(checksumHeader(algorithm))
	}
	if trailer != "" && c.algorithm == "" {
		return c, errInvalidRequest("The value specified in the x-amz-trailer header is not supported")
	}
	named := strings.ToUpper(h.Get("X-Amz-Sdk-Checksum-Algorithm"))
	switch {
	case named == "":
	case !slices.Contains(algorithms, named):
		return c, errInvalidRequest("Checksum algorithm provided is unsupported. Please try again with any of the valid types: [CRC32, CRC32C, CRC64NVME, SHA1, SHA256]")
	case c.algorithm == "":
		return c, errInvalidRequest("x-amz-sdk-checksum-algorithm specified, but no corresponding x-amz-checksum-* or x-amz-trailer headers were found.")
	case c.algorithm != named:
		return c, errInvalidRequest("Value for x-amz-sdk-checksum-algorithm header is invalid.")
	}
	return c, nil
}

// unsupported lists the checksums of S3's that the sandbox does not compute.
var unsupported = []string{"MD5", "SHA512", "XXHASH128", "XXHASH3", "XXHASH64"}

// checkAlgorithms refuses a checksum that would not be held, whether it comes
// as a header or as a trailer.
func checkAlgorithms(h http.Header) error {
	names := slices.Sorted(maps.Keys(h))
	for _, name := range append(names, strings.Split(h.Get("X-Amz-Trailer"), ",")...) {
		name = strings.ToLower(strings.TrimSpace(name))
		algorithm, ok := strings.CutPrefix(name, "x-amz-checksum-")
		algorithm = strings.ToUpper(algorithm)
		switch {
		case !ok || slices.Contains(algorithms, algorithm) || slices.Contains([]string{"ALGORITHM", "MODE", "TYPE"}, algorithm):
		case slices.Contains(unsupported, algorithm):
			return errHeaderNotImplemented(name)
		default:
			return errInvalidRequest("The algorithm type you specified in x-amz-checksum- header is invalid.")
		}
	}
	return nil
}

func validChecksum(algorithm, value string) bool {
	sum, err := base64.StdEncoding.DecodeString(value)
	return err == nil && len(sum) == newHash(algorithm).Size()
}
