package rolecall

import (
	"net/url"
	"regexp"
	"strings"

	"github.com/rolecall/rolecall/internal/strict"
)

// HTTPCredentialSource is a dispenser: an HTTPS endpoint of the customer's
// that answers with AWS credentials. Requests are signed by the vendor's
// principal named dispenser or, if Secret names a secret of type text, have it
// as bearer token. In documents it is an object, or the URL alone.
type HTTPCredentialSource struct {
	URL    string `json:"url"`
	Secret string `json:"secret,omitempty"`
}

// DispenserPrincipal is the name of the principal that signs requests to
// dispensers and does nothing else: no job runs as it.
const DispenserPrincipal = "dispenser"

// MaxDispenserURL is the longest URL of a dispenser, in bytes.
const MaxDispenserURL = 2048

// UnmarshalJSON reads either form, strictly.
func (s *HTTPCredentialSource) UnmarshalJSON(data []byte) error {
	var faults Errors
	switch kind := strict.TypeOf(data); kind {
	case strict.String:
		var url string
		strict.Decode(data, &url, &faults)
		if url == "" && len(faults) == 0 {
			return errNoDispenserURL
		}
		*s = HTTPCredentialSource{URL: url}
	case strict.Object:
		type object HTTPCredentialSource // without this method
		strict.Decode(data, (*object)(s), &faults)
	default:
		return &Error{Code: Invalid, Message: "must be a string or an object, not " + string(kind), Hint: dispenserHint}
	}
	return faults.Err()
}

const (
	dispenserHint    = `You: give its URL, or {"url": "https://…", "secret": "name"}`
	dispenserExample = "You: write it as https://credentials.example.com/rolecall"
)

var errNoDispenserURL = &Error{Code: Invalid, Message: "the dispenser's URL is missing", Hint: dispenserExample}

// Validate checks the form of the URL. Which addresses it may reach is decided
// when dialling.
func (s HTTPCredentialSource) Validate() error {
	_, err := s.parse()
	return err
}

// Normal returns the source with its URL in the one spelling that is claimed
// and requested: scheme and host in lower case, no port, at least a slash as
// path. An invalid URL is unchanged.
func (s HTTPCredentialSource) Normal() HTTPCredentialSource {
	if u, err := s.parse(); err == nil {
		s.URL = "https://" + strings.ToLower(strings.TrimSuffix(u.Host, ":443")) + u.EscapedPath()
		if u.Path == "" {
			s.URL += "/"
		}
	}
	return s
}

// Host returns the URL's host in lower case; it is empty if the URL is not
// valid.
func (s HTTPCredentialSource) Host() string {
	u, err := s.parse()
	if err != nil {
		return ""
	}
	return strings.ToLower(u.Hostname())
}

// parse never shows the URL in an error: a credential that someone wrote into
// it must not get into a log.
func (s HTTPCredentialSource) parse() (*url.URL, error) {
	bad := func(message, hint string) (*url.URL, error) {
		return nil, &Error{Code: Invalid, Message: message, Hint: hint}
	}
	if s.URL == "" {
		e := *errNoDispenserURL
		e.Pointer = "/url"
		return nil, &e
	}
	if len(s.URL) > MaxDispenserURL {
		return bad("the dispenser's URL is longer than 2048 bytes", "")
	}
	u, err := url.Parse(s.URL)
	switch {
	case err != nil || !strings.EqualFold(u.Scheme, "https") || u.Opaque != "":
		return bad("a dispenser's URL is an https URL", dispenserExample)
	case u.User != nil:
		return bad("the dispenser's URL holds a literal credential", "You: store the token as a secret of type text and name it as secret; treat what is written here as leaked")
	case u.RawQuery != "" || u.ForceQuery:
		return bad("the dispenser's URL has a query", "You: leave it out; a token goes into a secret of type text, and treat one written here as leaked")
	case strings.Contains(s.URL, "#"):
		return bad("the dispenser's URL has a fragment", "You: leave it out")
	case u.Port() != "" && u.Port() != "443" || strings.HasSuffix(u.Host, ":"):
		return bad("a dispenser is asked on port 443 only", "You: leave the port out")
	case len(u.Hostname()) > 253 || !dispenserHostForm.MatchString(strings.TrimSuffix(u.Host, ":443")):
		return bad("the dispenser's URL has no host name", dispenserExample)
	case !dispenserPathForm.MatchString(u.EscapedPath()) || hasDotSegment(u.Path):
		return bad("the dispenser's URL has a path that servers may read differently", "You: write parts of letters, digits and characters of -._~!$&'()*+,;=:@ between single slashes, none of them . or ..")
	}
	return u, nil
}

// CheckBearer returns nil if the dispenser's secret exists, has type text and
// is bound to the dispenser's host, and the host is valid.
func (o Organization) CheckBearer(source HTTPCredentialSource) error {
	s, ok := o.Secrets[source.Secret]
	host := source.Host()
	switch name := strict.Quote(source.Secret); {
	case !ok:
		return &Error{Code: NotFound, Message: "there is no secret " + strict.Quote(name), Hint: "You: name one of the organization's secrets: " + names(o.Secrets)}
	case s.Type != SecretText:
		return &Error{Code: Invalid, Message: "the secret " + name + " is no text", Hint: "You: name a secret of type text, as the bearer token"}
	case s.Host == "":
		return &Error{Code: Forbidden, Message: "the secret " + name + " is bound to no host", Hint: "Operator: declare the secret with this host, or name another; it is sent to no other than " + host}
	case !strings.EqualFold(s.Host, host):
		return &Error{Code: Forbidden, Message: "the secret " + name + " is not for the host " + strict.Quote(host), Hint: "Operator: bind the secret to this host, or name another secret"}
	}
	return nil
}

// hasDotSegment reports whether a part of a path is one that servers resolve.
func hasDotSegment(path string) bool {
	for _, part := range strings.Split(path, "/") {
		if part == "." || part == ".." {
			return true
		}
	}
	return false
}

var (
	// A name, or an address in the form that URLs have them.
	dispenserHostForm = regexp.MustCompile(`^(?:[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+)*|\[[0-9A-Fa-f:.]+\])$`)
	// Percent-encoded characters and empty parts have several spellings, and
	// each would be another claim.
	dispenserPathForm = regexp.MustCompile(`^(?:/[A-Za-z0-9._~!$&'()*+,;=:@-]+)*/?$`)
)
