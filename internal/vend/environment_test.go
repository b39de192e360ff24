package vend

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/google/go-cmp/cmp"

	"github.com/rolecall/rolecall"
)

var inherited = []string{
	"PATH=/bin", "HOME=/root", "AWS_PAGER=", "AWS_RETRY_MODE=adaptive", "ROLECALL_BUCKET=another", "EMPTY=", "WITH=a=b",
	"AWS_ACCESS_KEY_ID=AKIA", "AWS_SECRET_ACCESS_KEY=s", "AWS_SESSION_TOKEN=t", "AWS_SECURITY_TOKEN=t", "AWS_PROFILE=p", "AWS_DEFAULT_PROFILE=p",
	"AWS_ROLE_ARN=r", "AWS_WEB_IDENTITY_TOKEN_FILE=f", "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI=/x", "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE=f",
	"AWS_CONTAINER_AUTHORIZATION_TOKEN=theirs", "AWS_CREDENTIAL_FILE=f", "AWS_CONFIG_FILE=f", "AWS_SHARED_CREDENTIALS_FILE=f", "BOTO_CONFIG=f",
	"AWS_ENDPOINT_URL=http://x", "AWS_ENDPOINT_URL_S3=http://x", "AWS_REGION=mars", "AWS_EC2_METADATA_SERVICE_ENDPOINT=http://x",
	"OWN_KEY=k", "OWN_SECRET=s", "NO_PROXY=a.example,b.example",
}

func TestEnvironment(t *testing.T) {
	t.Parallel()
	g := Grant{Place: rolecall.Place{Bucket: "acme", Key: "in/"}}
	e := NewEnvironment(inherited, []string{"OWN_KEY", "OWN_SECRET"}, g, "eu-central-1", "https://s3.example.com")
	common := []string{
		"PATH=/bin", "HOME=/root", "AWS_PAGER=", "AWS_RETRY_MODE=adaptive", "EMPTY=", "WITH=a=b",
		"AWS_REGION=eu-central-1", "AWS_DEFAULT_REGION=eu-central-1", "AWS_ENDPOINT_URL_S3=https://s3.example.com",
		"AWS_CONFIG_FILE=/dev/null", "AWS_SHARED_CREDENTIALS_FILE=/dev/null", "BOTO_CONFIG=/dev/null", "AWS_EC2_METADATA_DISABLED=true",
		"ROLECALL_BUCKET=acme", "ROLECALL_PREFIX=in/",
	}
	for name, c := range map[string]struct{ got, more []string }{
		"container": {e.Container(&Endpoint{host: "127.0.0.1:1", path: "/p", token: "t"}), []string{
			"AWS_CONTAINER_CREDENTIALS_FULL_URI=http://127.0.0.1:1/p", "AWS_CONTAINER_AUTHORIZATION_TOKEN=t",
			"NO_PROXY=a.example,b.example,127.0.0.1", "no_proxy=127.0.0.1",
		}},
		"static": {e.Static(aws.Credentials{AccessKeyID: "A", SecretAccessKey: "B", SessionToken: "C", Expires: time.Unix(0, 0)}), []string{
			"AWS_ACCESS_KEY_ID=A", "AWS_SECRET_ACCESS_KEY=B", "AWS_SESSION_TOKEN=C", "AWS_CREDENTIAL_EXPIRATION=1970-01-01T00:00:00Z",
			"NO_PROXY=a.example,b.example",
		}},
	} {
		if diff := cmp.Diff(slices.Sorted(slices.Values(append(c.more, common...))), c.got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
	for _, entry := range NewEnvironment(inherited, nil, g, "eu-central-1", "").Static(aws.Credentials{}) {
		if strings.HasPrefix(entry, "AWS_ENDPOINT_URL") {
			t.Errorf("AWS's own S3 is at %s", entry)
		}
	}
}
