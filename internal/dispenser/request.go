package dispenser

import (
	"net/url"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/rolecall/rolecall"
	"github.com/rolecall/rolecall/credential"
)

// request has the parameters of the contract.
type request struct {
	organization, externalID string
	job, task, tool          string
	bucket, prefix, access   string
}

func (r request) writes() bool { return r.access == credential.AccessWrite }

// The limits of parameters in bytes, among them those of S3's keys and STS's external ids.
const (
	maxParameter  = 256
	maxPrefix     = 1024
	maxExternalID = 1224
)

// readRequest parses the parameters. It refuses malformed ones whoever calls.
// Organization and external id may be missing; then they are wrong.
func readRequest(query url.Values) (request, error) {
	var r request
	for name, p := range map[string]struct {
		into *string
		most int
	}{
		"organization": {&r.organization, maxParameter},
		"external_id":  {&r.externalID, maxExternalID},
		"job_id":       {&r.job, maxParameter},
		"task_id":      {&r.task, maxParameter},
		"tool":         {&r.tool, maxParameter},
		"bucket":       {&r.bucket, maxParameter},
		"prefix":       {&r.prefix, maxPrefix},
		"access":       {&r.access, maxParameter},
	} {
		values := query[name]
		switch {
		case len(values) > 1:
			return request{}, refuse(rolecall.Invalid, name+" is given twice", nil)
		case len(values) == 0:
			continue
		case len(values[0]) > p.most || !utf8.ValidString(values[0]) || strings.ContainsFunc(values[0], unicode.IsControl):
			return request{}, refuse(rolecall.Invalid, name+" is too long, or not text", nil)
		}
		*p.into = values[0]
	}
	if r.access != credential.AccessRead && r.access != credential.AccessWrite {
		return request{}, refuse(rolecall.Invalid, "access is neither read nor write", nil)
	}
	for part := range strings.SplitSeq(strings.TrimSuffix(r.prefix, "/"), "/") {
		if r.prefix != "" && (part == "" || part == "." || part == "..") {
			return request{}, refuse(rolecall.Invalid, "prefix has an empty part, or a part . or ..", nil)
		}
	}
	return r, nil
}
