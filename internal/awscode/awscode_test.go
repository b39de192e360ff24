package awscode

import (
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"
)

func answered(status int, code, text string) error {
	return fmt.Errorf("operation: %w", &smithyhttp.ResponseError{
		Response: &smithyhttp.Response{Response: &http.Response{StatusCode: status}}, Err: &smithy.GenericAPIError{Code: code, Message: text},
	})
}

func TestRead(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		status     int
		code, text string
		want       Meaning
	}{
		{403, "AccessDenied", "Access Denied", Denied},
		{403, "AccessDenied", "Signature expired: it says what it likes", Denied},
		{403, "SignatureDoesNotMatch", "The request signature we calculated does not match", BadSignature},
		{403, "SignatureDoesNotMatch", "Signature expired: 20261130T150000Z is now earlier than 20261130T153000Z", Clock},
		{403, "SignatureDoesNotMatch", "Signature not yet current: 20261130T160000Z is still later than 20261130T153000Z", Clock},
		{403, "SignatureDoesNotMatch", "Credential should be scoped to a valid region, not Signature expired. ", BadSignature},
		{400, "ValidationError", "The requested DurationSeconds exceeds the MaxSessionDuration set for this role.", TooLong},
		{400, "ValidationError", "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining.", TooLongChained},
		{400, "ValidationError", "1 validation error detected", InvalidRequest},
		{400, "AccessDenied", "DurationSeconds", Denied},
		{400, "Throttling", "Rate exceeded", Throttled},
		{400, "Surprise", "", Unlisted},
		{503, "Surprise", "", Failing},
		{429, "Surprise", "", Failing},
	} {
		a, ok := Read(answered(c.status, c.code, c.text))
		if !ok || a != (Answer{c.code, c.text, c.want}) {
			t.Errorf("%s %q: %+v, want %q", c.code, c.text, a, c.want)
		}
	}
	if a, ok := Read(nil); ok {
		t.Errorf("there is no error: %+v", a)
	}
	if a, ok := Read(errors.New("DurationSeconds exceeds: no route to host")); ok {
		t.Errorf("nobody answered: %+v", a)
	}
}

func TestInText(t *testing.T) {
	t.Parallel()
	for text, want := range map[string][]Meaning{
		"":            nil,
		"all is well": nil,
		"An error occurred (ExpiredToken) when calling the GetObject operation: The provided token has expired.": {Expired},
		"api error KMS.DisabledException: arn:aws:kms:eu-central-1:111122223333:key/0 is disabled.":              {KeyDisabled},
		"com.example.sts.model.ExpiredTokenException: no":                                                        {Expired},
		"<Code>NoSuchKey</Code>, then SlowDown.":                                                                 {NoObject, Throttled},
		"SlowDown: Signature expired":                                                                            {Clock, Throttled},
	} {
		if got := InText(text, ""); !slices.Equal(got, want) {
			t.Errorf("%q: %v, want %v", text, got, want)
		}
	}
}

// The code of an answer is its code, whatever words come with it.
func TestInTextWithACode(t *testing.T) {
	t.Parallel()
	if got := InText("s3://b/NotFound/NoSuchKey: Access Denied", "AccessDenied"); !slices.Equal(got, []Meaning{Denied}) {
		t.Errorf("%v", got)
	}
	if got := InText("Roles may not be assumed by root accounts", "AccessDenied"); !slices.Equal(got, []Meaning{RootCaller, Denied}) {
		t.Errorf("%v", got)
	}
}

// Each code is listed once.
func TestCodesAreListedOnce(t *testing.T) {
	t.Parallel()
	listed := 0
	for _, group := range groups {
		listed += len(group)
	}
	if listed != len(codes) {
		t.Errorf("%d codes are listed, %d of them different", listed, len(codes))
	}
}

// Each code of the SDKs' models is listed, and each text has a source.
func TestModelsAreListed(t *testing.T) {
	t.Parallel()
	data, err := os.ReadFile("testdata/codes.txt")
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for line := range strings.Lines(string(data)) {
		service, code, found := strings.Cut(strings.TrimSpace(line), " ")
		if strings.HasPrefix(line, "#") || !found {
			continue
		}
		n++
		if Of(code) == Unlisted || service == "kms" && Of("KMS."+strings.TrimPrefix(code, "KMS.")) == Unlisted {
			t.Errorf("%s of %s is not listed", code, service)
		}
	}
	if n < 40 {
		t.Errorf("only %d codes", n)
	}
	for _, text := range texts {
		if !strings.HasPrefix(text.source, "https://docs.aws.amazon.com/") {
			t.Errorf("%s has no source", text.form)
		}
	}
}

func TestShown(t *testing.T) {
	t.Parallel()
	for _, code := range []string{"", "SlowDown", "KMS.DisabledException", strings.Repeat("a", 64)} {
		if Shown(code) != code {
			t.Errorf("%q is left out", code)
		}
	}
	for _, code := range []string{"a b", "\x1b[31m", "<b>", "Fünf", "a1", strings.Repeat("a", 65)} {
		if got := Shown(code); got != "" {
			t.Errorf("%q is given as %q", code, got)
		}
	}
}

// TestSDK reads the models of the SDKs that go.mod has: every code of theirs is listed.
func TestSDK(t *testing.T) {
	t.Parallel()
	form := regexp.MustCompile(`\) ErrorCode\(\) string \{\n(?:\tif [^\n]*\n\t\t)?\s*return "([A-Za-z.]+)"`)
	for _, service := range []string{"sts", "s3"} {
		out, err := exec.CommandContext(t.Context(), "go", "list", "-m", "-f", "{{.Dir}}", "github.com/aws/aws-sdk-go-v2/service/"+service).Output()
		if err != nil {
			t.Fatal(err)
		}
		source, err := os.ReadFile(filepath.Join(strings.TrimSpace(string(out)), "types", "errors.go"))
		if err != nil {
			t.Fatal(err)
		}
		codes := form.FindAllStringSubmatch(string(source), -1)
		if len(codes) < 8 {
			t.Errorf("%s has %d codes", service, len(codes))
		}
		for _, m := range codes {
			if Of(m[1]) == Unlisted {
				t.Errorf("%s of %s is not listed", m[1], service)
			}
		}
	}
}
