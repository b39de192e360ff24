package explain_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"os"
	"strings"
	"testing"

	"github.com/rolecall/rolecall/policy"
	"github.com/rolecall/rolecall/policy/explain"
)

// TestReports reads what people reported in public, as their tools showed it,
// with other names: each with where it was reported, and the layer that AWS
// names in it, if any.
func TestReports(t *testing.T) {
	t.Parallel()
	data, err := os.ReadFile("testdata/reports.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for lines := bufio.NewScanner(bytes.NewReader(data)); lines.Scan(); n++ {
		var c struct {
			Source, Text, Says string
			Layer              policy.DenialLayer
		}
		if err := json.Unmarshal(lines.Bytes(), &c); err != nil {
			t.Fatal(err)
		}
		e, err := explain.Message(c.Text)
		if err != nil {
			t.Errorf("%s: %s: %v", c.Source, c.Text, err)
			continue
		}
		sound(t, e)
		if e.Layer != c.Layer || !strings.Contains(e.Summary+e.Candidates[0].Message, c.Says) {
			t.Errorf("%s: %s\nlayer %q, %q, %+v", c.Source, c.Text, e.Layer, e.Summary, e.Candidates[0])
		}
		if strings.ContainsAny(e.Resource, "\\'") || strings.Contains(e.Summary, "more refusals") {
			t.Errorf("%s: %q, %q", c.Source, e.Resource, e.Summary)
		}
	}
	if n < 40 {
		t.Errorf("%d reports", n)
	}
}

// TestCodeInEveryTool checks that a code is read in the words of each SDK and
// tool, whether rolecall knows it or not.
func TestCodeInEveryTool(t *testing.T) {
	t.Parallel()
	for _, form := range []string{
		"An error occurred (CODE) when calling the GetObject operation: TEXT",
		"A client error (CODE) occurred when calling the GetObject operation: TEXT",
		"operation error S3: GetObject, https response error StatusCode: 400, RequestID: 1, HostID: 2, api error CODE: TEXT",
		"operation error S3: GetObject, https response error StatusCode: 400, RequestID: 1, HostID: 2, CODE: TEXT",
		"operation error STS: AssumeRole, https response error StatusCode: 400, RequestID: 1, CODE: TEXT",
		"Error: CODE: TEXT\n\tstatus code: 400, request id: 1, host id: 2",
		"ERROR \"cp a s3://b/k\": CODE: TEXT status code: 400, request id: 1",
		"com.amazonaws.services.s3.model.AmazonS3Exception: TEXT (Service: Amazon S3; Status Code: 400; Error Code: CODE; Request ID: 1)",
		"Aws::S3::Errors::CODE: TEXT",
		"Error executing \"GetObject\"; AWS HTTP error: Client error: 400 Bad Request (truncated...) CODE (client): TEXT",
		"{ message: 'TEXT',\n  code: 'CODE',\n  statusCode: 400 }",
		`ServiceError { source: Unhandled, meta: ErrorMetadata { code: Some("CODE"), message: Some("TEXT") } }`,
		"ERROR: S3 error: 400 (CODE): TEXT",
		"<Error><Code>CODE</Code><Message>TEXT</Message></Error>",
		`{"__type":"com.amazonaws.kms#CODE","message":"TEXT"}`,
		`{"errorCode": "CODE", "errorMessage": "TEXT"}`,
	} {
		for code, says := range map[string]string{
			"NoSuchBucket": "no such bucket", "PackedPolicyTooLarge": "larger than STS takes", "SlowDown": "too often",
			"SomethingNew": "answered SomethingNew", "UnheardOfThing": "answered UnheardOfThing",
		} {
			text := strings.NewReplacer("CODE", code, "TEXT", "It did not work").Replace(form)
			e, err := explain.Message(text)
			if err != nil {
				t.Errorf("%s: %v", text, err)
				continue
			}
			sound(t, e)
			if e.Layer != "" || e.Candidates[0].Layer != "" || !strings.Contains(e.Summary, says) {
				t.Errorf("%s\n%q, %+v", text, e.Summary, e.Candidates[0])
			}
		}
	}
}
