package vend

import (
	"os"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
)

// Environment is the environment of a tool's process.
type Environment struct {
	inherited []string // NAME=value
	set       map[string]string
}

// inheritable lists the variables of AWS's tools that a tool inherits: they
// choose no credentials, no endpoint and no region. All others are removed, so
// that none takes precedence over what is set.
// https://docs.aws.amazon.com/sdkref/latest/guide/settings-reference.html
var inheritable = []string{
	"AWS_CA_BUNDLE", "AWS_CLI_AUTO_PROMPT", "AWS_CLI_FILE_ENCODING", "AWS_DEFAULT_OUTPUT", "AWS_DEFAULTS_MODE", "AWS_MAX_ATTEMPTS", "AWS_PAGER",
	"AWS_REQUEST_CHECKSUM_CALCULATION", "AWS_RESPONSE_CHECKSUM_VALIDATION", "AWS_RETRY_MODE", "AWS_SDK_UA_APP_ID",
	"AWS_USE_DUALSTACK_ENDPOINT", "AWS_USE_FIPS_ENDPOINT",
}

// NewEnvironment returns the environment of a tool that works on the grant's
// bucket: the inherited one, without the named secrets and without everything
// that could select other credentials. Region is the bucket's. Endpoint is the
// URL of S3, empty for AWS.
func NewEnvironment(inherited, secrets []string, g Grant, region, endpoint string) Environment {
	e := Environment{set: map[string]string{
		"AWS_REGION": region, "AWS_DEFAULT_REGION": region,
		// Most SDKs prefer profiles, even the default one, to the container endpoint,
		// and instance metadata has an identity of the vendor.
		"AWS_CONFIG_FILE": os.DevNull, "AWS_SHARED_CREDENTIALS_FILE": os.DevNull, "BOTO_CONFIG": os.DevNull,
		"AWS_EC2_METADATA_DISABLED": "true",
		"ROLECALL_BUCKET":           g.Place.Bucket, "ROLECALL_PREFIX": g.Place.Key,
	}}
	if endpoint != "" {
		e.set["AWS_ENDPOINT_URL_S3"] = endpoint
	}
	for _, entry := range inherited {
		name, _, _ := strings.Cut(entry, "=")
		if strings.HasPrefix(name, "AWS_") && !slices.Contains(inheritable, name) || slices.Contains(secrets, name) {
			continue
		}
		e.inherited = append(e.inherited, entry)
	}
	return e
}

// Container returns the environment for an endpoint.
func (e Environment) Container(endpoint *Endpoint) []string {
	set := endpoint.variables()
	// No proxy may see the token.
	for _, name := range []string{"NO_PROXY", "no_proxy"} {
		set[name] = strings.TrimPrefix(e.value(name)+",127.0.0.1", ",")
	}
	return e.with(set)
}

// Static returns the environment with fixed credentials, which nobody renews.
func (e Environment) Static(c aws.Credentials) []string {
	return e.with(map[string]string{
		"AWS_ACCESS_KEY_ID": c.AccessKeyID, "AWS_SECRET_ACCESS_KEY": c.SecretAccessKey, "AWS_SESSION_TOKEN": c.SessionToken,
		"AWS_CREDENTIAL_EXPIRATION": expiration(c),
	})
}

func (e Environment) value(name string) string {
	for _, entry := range slices.Backward(e.inherited) {
		if value, ok := strings.CutPrefix(entry, name+"="); ok {
			return value
		}
	}
	return ""
}

func (e Environment) with(more map[string]string) []string {
	var out []string
	for _, entry := range e.inherited {
		name, _, _ := strings.Cut(entry, "=")
		if _, taken := e.set[name]; taken {
			continue
		}
		if _, taken := more[name]; !taken {
			out = append(out, entry)
		}
	}
	for _, set := range []map[string]string{e.set, more} {
		for name, value := range set {
			out = append(out, name+"="+value)
		}
	}
	slices.Sort(out)
	return out
}
