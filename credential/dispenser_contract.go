package credential

import (
	"crypto/sha256"
	"encoding/hex"
)

// The contract with a dispenser, whoever wrote it.
//
// It is asked by GET at its URL with these query parameters, each once, in any
// order, and nothing else:
//
//	organization  the vendor's api_name for the customer
//	external_id   the external id that the customer was given; left out by one probe
//	job_id        of the job, [\w.-]
//	task_id       of the task within it
//	tool          namespace:name
//	bucket        the only one that the credentials need to reach
//	prefix        of the keys that they need to reach: empty, ending in a slash, or the one key
//	access        AccessRead or AccessWrite; write comes with read
//
// and with Accept: application/json. With a bearer secret the caller is proved
// by Authorization: Bearer SECRET. Else the request is signed with SigV4 for
// the service execute-api by the vendor's principal named dispenser, which
// API Gateway verifies, and carries in the header IdentityHeader what any other
// host can verify: the unpadded base64url of a presigned URL of
// GetCallerIdentity, at the regional endpoint of STS, method GET, valid for
// IdentityExpires, in which besides host the header DigestHeader is signed. The
// dispenser sends that GET with DigestHeader set to the value that it computed
// itself, RequestDigest of the URL it was asked at, and STS answers with the
// ARN of the caller. So a proof is worth nothing for another URL,
// organization, external id or host. Before it sends anything the dispenser
// checks that the presigned URL leads to STS.
//
// It answers 200 with JSON in one of three spellings: AccessKeyId,
// SecretAccessKey, SessionToken, Expiration; the same with Token for
// SessionToken; access_key_id, secret_access_key, session_token, expiration.
// Expiration is a time of RFC 3339. Other members are ignored. To a caller,
// organization, external id, bucket or prefix that it does not know it answers
// 401 or 403: that is what the probes look for. They are like any other request
// but for the external id, and their credentials are thrown away.
const (
	// IdentityHeader carries the proof of who calls.
	IdentityHeader = "X-Rolecall-Identity"
	// DigestHeader is signed within the proof; it is not in the request to the
	// dispenser.
	DigestHeader = "X-Rolecall-Request"
	// IdentityExpires is how long a proof is valid, in seconds.
	IdentityExpires = 60
	// AccessRead and AccessWrite are what credentials may be for.
	AccessRead  = "read"
	AccessWrite = "write"
)

// RequestDigest is the value of DigestHeader: what binds a proof of identity
// to one request. The URL is the dispenser's as declared, with scheme and host
// in lower case and no port, and the query as it is sent.
func RequestDigest(url string) string {
	sum := sha256.Sum256([]byte("GET\n" + url))
	return hex.EncodeToString(sum[:])
}
