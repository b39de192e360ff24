package vend

import (
	"os"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
)

// Environment is what a tool's process finds around it.
type Environment struct {
	inherited []string // NAME=value
	set       map[string]string
}

// harmless are the variables of AWS's tools that a tool inherits: they choose
// no credentials, no endpoint and no region. All others of AWS's are taken out,
// so that nothing goes before what is given.
// https://docs.aws.amazon.com/sdkref/latest/guide/settings-reference.html
var harmless = []string{
	"AWS_CA_BUNDLE", "AWS_CLI_AUTO_PROMPT", "AWS_CLI_FILE_ENCODING", "AWS_DEFAULT_OUTPUT", "AWS_DEFAULTS_MODE", "AWS_MAX_ATTEMPTS", "AWS_PAGER",
	"AWS_REQUEST_CHECKSUM_CALCULATION", "AWS_RESPONSE_CHECKSUM_VALIDATION", "AWS_RETRY_MODE", "AWS_SDK_UA_APP_ID",
	"AWS_USE_DUALSTACK_ENDPOINT", "AWS_USE_FIPS_ENDPOINT",
}

// NewEnvironment makes the environment of a tool that works on the grant's
// bucket: what is inherited, but for the named secrets and what could bring
// other credentials. Region is the bucket's; endpoint is where S3 is, empty
// for AWS.
func NewEnvironment(inherited, secrets []string, g Grant, region, endpoint string) Environment {
	e := Environment{set: map[string]string{
		"AWS_REGION": region, "AWS_DEFAULT_REGION": region,
		// Profiles, the default one too, go before the container endpoint in
		// most SDKs, and instance metadata has an identity of the vendor's.
		"AWS_CONFIG_FILE": os.DevNull, "AWS_SHARED_CREDENTIALS_FILE": os.DevNull, "BOTO_CONFIG": os.DevNull,
		"AWS_EC2_METADATA_DISABLED": "true",
		"ROLECALL_BUCKET":           g.Place.Bucket, "ROLECALL_PREFIX": g.Place.Key,
	}}
	if endpoint != "" {
		e.set["AWS_ENDPOINT_URL_S3"] = endpoint
	}
	for _, entry := range inherited {
		name, _, _ := strings.Cut(entry, "=")
		if strings.HasPrefix(name, "AWS_") && !slices.Contains(harmless, name) || slices.Contains(secrets, name) {
			continue
		}
		e.inherited = append(e.inherited, entry)
	}
	return e
}

// Container gives the environment with the way to an endpoint.
func (e Environment) Container(at *Endpoint) []string {
	set := at.variables()
	// The token is for no proxy to see.
	for _, name := range []string{"NO_PROXY", "no_proxy"} {
		set[name] = strings.TrimPrefix(e.value(name)+",127.0.0.1", ",")
	}
	return e.with(set)
}

// Static gives the environment with credentials that nobody renews.
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
