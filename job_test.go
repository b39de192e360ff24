package rolecall

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func arn(t testing.TB, s string) ARN {
	t.Helper()
	a, err := ParseARN(s)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func acme() Organization {
	return Organization{
		APIName:    "acme",
		ExternalID: ExternalID{Mode: ExternalIDCustom, Value: "x-42"},
		Secrets: map[string]Secret{
			"keys":  {Name: "keys", Type: SecretAWSAccessKey, Version: "1"},
			"bound": {Name: "bound", Type: SecretAWSAccessKey, Version: "1", Bucket: "only-this"},
			"note":  {Name: "note", Type: SecretText, Version: "1"},
			"token": {Name: "token", Type: SecretText, Version: "1", Host: "vend.example.com"},
		},
		Connections: map[string]Connection{
			"masters": {Purpose: Source, Bucket: "acme-masters", Prefix: "in/", Region: "eu-central-1", RoleARN: "arn:aws:iam::111122223333:role/media"},
			"delivery": {
				Purpose: Delivery, Bucket: "out-bucket", Prefix: "out/", RoleARN: "arn:aws:iam::111122223333:role/media", BucketOwner: "222233334444",
				Encryption: &Encryption{Type: "aws:kms", Key: "arn:aws:kms:eu-central-1:222233334444:key/k"}, StorageClass: "STANDARD_IA",
				ExternalID: &ExternalID{Mode: ExternalIDCustom, Value: "y-43"}, RoleSessionDurationSeconds: 900,
			},
			"static": {Purpose: Delivery, Bucket: "static-bucket", Secret: "keys"},
			"china":  {Purpose: Source, Bucket: "cn-bucket", RoleARN: "arn:aws-cn:iam::111122223333:role/media"},
			"vended": {Purpose: Delivery, Bucket: "vended-bucket", Prefix: "in/", HTTPCredentialSource: &HTTPCredentialSource{URL: "https://Vend.example.com:443", Secret: "token"}},
			"signed": {Purpose: Source, Bucket: "vended-bucket", HTTPCredentialSource: &HTTPCredentialSource{URL: "https://vend.example.com/"}, ExternalID: &ExternalID{Mode: ExternalIDCustom, Value: "y-43"}},
		},
	}
}

func vendor(t testing.TB) Vendor {
	return Vendor{Accounts: []string{"999900001111"}, Principals: map[string]Principal{
		"production": {Name: "production", ARN: arn(t, "arn:aws:iam::873682911326:role/VTKWorker"), Default: true},
		"staging":    {Name: "staging", ARN: arn(t, "arn:aws:iam::873682911326:role/Staging"), Regions: []string{"eu-west-1"}},
		"china":      {Name: "china", ARN: arn(t, "arn:aws-cn:iam::873682911327:role/Worker"), Regions: []string{"cn-north-1"}},
	}}
}

const role = `"role_arn": "arn:aws:iam::111122223333:role/media"`

func TestValidateFaults(t *testing.T) {
	t.Parallel()
	task := func(tool, parameters string) string {
		return `{"tasks": [{"tool": "` + tool + `", "parameters": {` + parameters + `}}]}`
	}
	at := "/tasks/0/parameters"
	for _, tc := range []struct {
		name, job string
		want      []string // code pointer: substring of the message
	}{
		{"no tasks", `{"tasks": []}`, []string{"invalid /tasks: no tasks"}},
		{"unknown members", `{"taks": [], "tasks": [{"tool": "storage:get", "paramters": {}}]}`, []string{
			"invalid /taks: unknown field", "invalid /tasks/0/paramters: unknown field", "invalid /tasks/0/parameters: names no place",
		}},
		{"types and rules in one answer", `{"region": 1, "tasks": [{"tool": 2}, {"tool": "storage:get", "parameters": {"location": 3}}, {"tool": "storage:put"}]}`, []string{
			"invalid /region: must be a string", "invalid /tasks/0/tool: must be a string",
			"invalid /tasks/1/parameters/location: must be a string", "invalid /tasks/2/parameters: names no place",
		}},
		{"not a job", `[]`, []string{"invalid : must be an object"}},
		{"no tool", `{"tasks": [{}]}`, []string{"invalid /tasks/0/tool: names no tool"}},
		{"unknown tool", task("storage:gett", ""), []string{"invalid /tasks/0/tool: unknown tool"}},
		{"unknown mark", task("storage:get|q", role+`, "location": "s3://bucket/x"`), []string{"invalid /tasks/0/tool: unknown mark"}},
		{"no place", task("storage:get", role), []string{"invalid " + at + ": names no place"}},
		{"two places", task("storage:get", `"connection": "masters", "location": "s3://bucket/x"`), []string{"invalid " + at + "/location: both given"}},
		{"no way", task("storage:get", `"location": "s3://bucket/x"`), []string{"invalid " + at + ": nothing authorizes"}},
		{"two ways", task("storage:get", role+`, "location": "s3://{keys}@bucket/x"`), []string{"invalid " + at + ": role_arn and the secret in the location"}},
		{"connection and role", task("storage:get", role+`, "connection": "masters", "path": "x"`), []string{"invalid " + at + ": connection and role_arn"}},
		{"nobody signs for a dispenser", task("storage:get", `"http_credential_source": "https://x.example/", "location": "s3://bucket/x"`), []string{"invalid " + at + "/http_credential_source: nobody here signs"}},
		{"nobody signs for a connection's", task("storage:get", `"connection": "signed", "path": "x"`), []string{"invalid " + at + "/connection: nobody here signs"}},
		{"dispenser's URL", task("storage:get", `"http_credential_source": "http://x.example/", "location": "s3://bucket/x"`), []string{"invalid " + at + "/http_credential_source: https URL"}},
		{"dispenser's type", task("storage:get", `"http_credential_source": 3, "location": "s3://bucket/x"`), []string{"invalid " + at + "/http_credential_source: must be a string or an object, not a number"}},
		{"dispenser's URL's type", task("storage:get", `"http_credential_source": {"url": 3, "token": "planted"}, "location": "s3://bucket/x"`), []string{
			"invalid " + at + "/http_credential_source/url: must be a string", "invalid " + at + "/http_credential_source/token: unknown field",
		}},
		{"empty dispenser", task("storage:get", `"http_credential_source": "", "location": "s3://bucket/x"`), []string{"invalid " + at + "/http_credential_source: URL is missing"}},
		{"dispenser of no URL", task("storage:get", `"http_credential_source": {}, "location": "s3://bucket/x"`), []string{"invalid " + at + "/http_credential_source/url: URL is missing"}},
		{"dispenser's unknown secret", task("storage:get", `"http_credential_source": {"url": "https://x.example/", "secret": "tokn"}, "location": "s3://bucket/x"`), []string{"not_found " + at + "/http_credential_source/secret: no secret"}},
		{"dispenser's key", task("storage:get", `"http_credential_source": {"url": "https://x.example/", "secret": "keys"}, "location": "s3://bucket/x"`), []string{"invalid " + at + "/http_credential_source/secret: is no text"}},
		{"dispenser's unbound secret", task("storage:get", `"http_credential_source": {"url": "https://x.example/", "secret": "note"}, "location": "s3://bucket/x"`), []string{"forbidden " + at + "/http_credential_source/secret: bound to no host"}},
		{"secret of another host", task("storage:get", `"http_credential_source": {"url": "https://x.example/", "secret": "token"}, "location": "s3://bucket/x"`), []string{"forbidden " + at + "/http_credential_source/secret: not for the host"}},
		{"duration of a dispenser's", task("storage:get", `"connection": "vended", "path": "x", "role_session_duration_seconds": 900`), []string{"invalid " + at + "/role_session_duration_seconds: dispenser decides"}},
		{"duration of a secret's connection", task("storage:get", `"connection": "static", "path": "x", "role_session_duration_seconds": 900`), []string{"invalid " + at + "/role_session_duration_seconds: static keys"}},
		{"connection and dispenser", task("storage:get", `"connection": "vended", "path": "x", "http_credential_source": "https://x.example/"`), []string{"invalid " + at + ": connection and http_credential_source"}},
		{"dispenser and role", task("storage:get", role+`, "http_credential_source": {"url": "https://x.example/"}, "location": "s3://bucket/x"`), []string{"invalid " + at + ": role_arn and http_credential_source"}},
		{"vendor role", task("storage:get", `"role_arn": "arn:aws:iam::999900001111:role/x", "location": "s3://bucket/x"`), []string{"forbidden " + at + "/role_arn: account of the vendor's"}},
		{"principal's account", task("storage:get", `"role_arn": "arn:aws:iam::873682911326:role/x", "location": "s3://bucket/x"`), []string{"forbidden " + at + "/role_arn: account of the vendor's"}},
		{"vendor role on the job", `{"role_arn": "arn:aws:iam::999900001111:role/x", "tasks": [{"tool": "storage:get", "parameters": {"location": "s3://bucket/x"}}]}`, []string{"forbidden /role_arn: account of the vendor's"}},
		{"other partition", task("storage:get", `"connection": "china", "path": "x"`), []string{"invalid " + at + "/connection: partition aws-cn"}},
		{"prefix without files", task("storage:get", role+`, "location": "s3://bucket/in/"`), []string{"invalid " + at + ": no files are named"}},
		{"bad files", task("storage:get", role+`, "location": "s3://bucket/in/", "files": ["../x", "/y", "ok"]`), []string{
			"invalid " + at + "/files/0: part . or ..", "invalid " + at + "/files/1: absolute",
		}},
		{"bad base_dir", task("storage:get", role+`, "location": "s3://bucket/x", "base_dir": "../up"`), []string{"invalid " + at + "/base_dir: inside the working directory"}},
		{"rolecall's own directory", task("storage:put", role+`, "location": "s3://bucket/x/", "files": ["*", ".Rolecall/**", ".rolecall/j", ".rolecall"]`), []string{
			"invalid " + at + "/files/1: rolecall's own", "invalid " + at + "/files/2: rolecall's own", "invalid " + at + "/files/3: rolecall's own",
		}},
		{"long part of base_dir", task("storage:get", role+`, "location": "s3://bucket/x", "base_dir": "a/`+strings.Repeat("x", 256)+`"`), []string{"invalid " + at + "/base_dir: more than 255 in a part"}},
		{"long base_dir", task("storage:put", role+`, "location": "s3://bucket/x", "base_dir": "`+strings.Repeat("x/", 600)+`"`), []string{"invalid " + at + "/base_dir: more than 1024 bytes"}},
		{"NUL in base_dir", task("storage:get", role+`, "location": "s3://bucket/x", "base_dir": "a\u0000b"`), []string{"invalid " + at + "/base_dir: NUL character"}},
		{"rolecall's own base_dir", task("storage:get", role+`, "location": "s3://bucket/x", "base_dir": ".ROLECALL/x"`), []string{"invalid " + at + "/base_dir: rolecall's own"}},
		{"unknown connection", task("storage:get", `"connection": "mastres", "path": "x"`), []string{"not_found " + at + "/connection: no connection"}},
		{"writing to a source", task("storage:put", `"connection": "masters", "path": "x"`), []string{"forbidden " + at + "/connection: for reading"}},
		{"path that climbs", task("storage:get", `"connection": "masters", "path": "../x"`), []string{"invalid " + at + "/path: part . or .."}},
		{"path that climbs inside", task("storage:get", `"connection": "masters", "path": "a/../../x"`), []string{"invalid " + at + "/path: part . or .."}},
		{"absolute path", task("storage:get", `"connection": "masters", "path": "/x"`), []string{"invalid " + at + "/path: begins with a slash"}},
		{"weaker encryption", task("storage:put", `"connection": "delivery", "path": "x", "encryption": {"type": "AES256"}`), []string{"conflict " + at + "/encryption: not the connection's"}},
		{"other owner", task("storage:put", `"connection": "delivery", "path": "x", "bucket_owner": "111122223333"`), []string{"conflict " + at + "/bucket_owner: not the connection's"}},
		{"null among files", task("storage:get", `"connection": "masters", "path": "in/", "files": [null]`), []string{"invalid " + at + "/files/0: must be a string, not null"}},
		{"a port that cannot be", task("storage:get", `"location": "s3://bucket/x", "role_arn": "arn:aws:iam::111122223333:role/media", "s3_endpoint_url": "http://127.0.0.1:99999"`), []string{"invalid " + at + "/s3_endpoint_url: the URL has the port"}},
		{"other endpoint", task("storage:put", `"connection": "delivery", "path": "x", "s3_endpoint_url": "https://s3.example.com"`), []string{"conflict " + at + "/s3_endpoint_url: not the connection's"}},
		{"client-side encryption", task("storage:put", role+`, "location": "s3://bucket/x", "encryption": {"type": "client"}`), []string{"invalid " + at + "/encryption/type: unknown encryption type"}},
		{"key alias", task("storage:put", role+`, "location": "s3://bucket/x", "encryption": {"type": "aws:kms", "key": "arn:aws:kms:eu-central-1:111122223333:alias/x"}`), []string{"invalid " + at + "/encryption/key: not the ARN of a KMS key"}},
		{"secrets", task("storage:copy", `"source": {"location": "s3://{nokeys}@bucket/x"}, "destination": {"location": "s3://{note}@bucket/x"}`), []string{
			"not_found " + at + "/source/location: no secret", "invalid " + at + "/destination/location: no AWS access key",
		}},
		{"bound secret", task("storage:get", `"location": "s3://{bound}@bucket/x"`), []string{"forbidden " + at + "/location: not for the bucket"}},
		{"tags", task("storage:tag_s3", role+`, "location": "s3://bucket/x"`), []string{"invalid " + at + "/tags: no tags"}},
		{"all kinds at once", `{"region": "mars", "role_arn": "x", "notify": "http://x", "tasks": [
			{"tool": "storage:put", "retries": 11, "timeout_seconds": -1, "parameters": {"location": "s3://bucket/x", "role_session_duration_seconds": 60, "bucket_owner": "1", "storage_class": "GLACER", "acl": "all", "s3_endpoint_url": "ftp://x", "tags": {"a": "b"}}}]}`, []string{
			"invalid /region: not a region", "invalid /role_arn: not an ARN", "invalid /notify: not an https URL",
			"invalid /tasks/0/retries: 0 to 10", "invalid /tasks/0/timeout_seconds: 1 to 604800", "invalid " + at + "/tags: sets no tags",
			"invalid " + at + "/role_session_duration_seconds: 900 to 43200", "invalid " + at + "/bucket_owner: not an account id",
			"invalid " + at + "/storage_class: unknown storage class", "invalid " + at + "/acl: unknown acl", "invalid " + at + "/s3_endpoint_url: not an http or https URL",
		}},
		{"vendor's bucket", task("storage:put", role+`, "location": "s3://bucket/x", "bucket_owner": "999900001111"`), []string{"forbidden " + at + "/bucket_owner: account of the vendor's"}},
		{"vendor's key", task("storage:put", role+`, "location": "s3://bucket/x", "encryption": {"type": "aws:kms", "key": "arn:aws:kms:eu-central-1:999900001111:key/k"}`), []string{"forbidden " + at + "/encryption/key: account of the vendor's"}},
		{"key of another partition", task("storage:put", role+`, "location": "s3://bucket/x", "encryption": {"type": "aws:kms", "key": "arn:aws-cn:kms:cn-north-1:111122223333:key/k"}`), []string{"invalid " + at + "/encryption/key: partition aws-cn"}},
		{"wildcard key", task("storage:put", role+`, "location": "s3://bucket/x", "encryption": {"type": "aws:kms", "key": "arn:aws:kms:eu-central-1:111122223333:key/*"}`), []string{"invalid " + at + "/encryption/key: not the ARN of a KMS key"}},
		{"region of another partition", `{"region": "aws:eu-isoe-west-1", "role_arn": "arn:aws:iam::111122223333:role/media", "tasks": [{"tool": "storage:get", "parameters": {"location": "s3://bucket/x"}}]}`, []string{"invalid /region: partition aws-iso-e"}},
		{"overflowing duration", task("storage:get", role+`, "location": "s3://bucket/x", "role_session_duration_seconds": 18446744983`), []string{"invalid " + at + "/role_session_duration_seconds: 900 to 43200"}},
		{"zero is not left out", `{"role_session_duration_seconds": 0, "role_arn": "arn:aws:iam::111122223333:role/media", "tasks": [
			{"tool": "storage:get", "timeout_seconds": 0, "retries": 0, "parameters": {"location": "s3://bucket/x", "role_session_duration_seconds": 0}}]}`, []string{
			"invalid /role_session_duration_seconds: 900 to 43200", "invalid /tasks/0/timeout_seconds: 1 to 604800", "invalid " + at + "/role_session_duration_seconds: 900 to 43200",
		}},
		{"presigned notify", `{"notify": "https://example.com/?X-Amz-Signature=planted", "role_arn": "arn:aws:iam::111122223333:role/media", "tasks": [{"tool": "storage:get", "parameters": {"location": "s3://bucket/x"}}]}`, []string{"invalid /notify: signature"}},
		{"too many wildcards", task("storage:get", role+`, "location": "s3://bucket/", "files": ["`+strings.Repeat("*a", 33)+`"]`), []string{"invalid " + at + "/files/0: more than 32 wildcards"}},
		{"too many patterns", task("storage:get", role+`, "location": "s3://bucket/", "files": [`+strings.Repeat(`"*",`, 1000)+`"*", "*"]`), []string{"invalid " + at + "/files: more than 1000 entries"}},
		{"static duration", task("storage:get", `"location": "s3://{keys}@bucket/x", "role_session_duration_seconds": 900`), []string{"invalid " + at + "/role_session_duration_seconds: static keys"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			_, err := ReadPlan([]byte(tc.job), acme(), vendor(t), "")
			got := List(err)
			for i, e := range got {
				text := string(e.Code) + " " + e.Pointer + ": " + e.Message
				if i >= len(tc.want) {
					t.Errorf("also: %s", text)
					continue
				}
				place, part, _ := strings.Cut(tc.want[i], ": ")
				if !strings.HasPrefix(text, place+": ") || !strings.Contains(e.Message, part) {
					t.Errorf("got %q, want %q", text, tc.want[i])
				}
			}
			if len(got) < len(tc.want) {
				t.Errorf("missing: %q", tc.want[len(got):])
			}
		})
	}
}

func TestValidate(t *testing.T) {
	t.Parallel()
	job, err := ParseJob([]byte(`{
		"role_arn": "arn:aws:iam::111122223333:role/path/jobs", "region": "aws:eu-west-1", "tags": ["a"], "notify": "https://example.com/hook",
		"tasks": [
			{"tool": "storage:get|p", "name": "n", "retries": 2, "timeout_seconds": 60, "parameters": {"location": "s3://acme-masters/in", "files": ["*.mov"], "base_dir": "work/"}},
			{"tool": "storage:put", "parameters": {"connection": "delivery", "path": "day", "files": ["**"], "overwrite": true}},
			{"tool": "storage:copy", "parameters": {"source": {"connection": "masters", "path": "a.mov"}, "destination": {"location": "s3://{keys}@bucket/b.mov", "bucket_owner": "333344445555"}}}
		]}`))
	if err != nil {
		t.Fatal(err)
	}
	plan, err := job.Validate(acme(), vendor(t), "")
	if err != nil {
		t.Fatal(err)
	}
	files := func(s string) []Pattern {
		p, err := CompilePattern(s)
		if err != nil {
			t.Fatal(err)
		}
		return []Pattern{p}
	}
	connections := acme().Connections
	want := Plan{
		Organization: "acme", Principal: vendor(t).Principals["staging"], Region: "eu-west-1", Tags: []string{"a"}, Notify: "https://example.com/hook", Digest: plan.Digest,
		Steps: []Step{
			{Name: "n", Tool: StorageGet, Parallel: true, Retries: 2, Timeout: time.Minute, Files: files("*.mov"), FilesPointer: "/tasks/0/parameters/files", BaseDir: "work", Place: Place{
				Pointer: "/tasks/0/parameters", AuthorizedAt: "/role_arn", Bucket: "acme-masters", Key: "in/", RoleARN: "arn:aws:iam::111122223333:role/path/jobs",
				ExternalID: "x-42", Duration: time.Hour, BucketOwner: "111122223333",
			}},
			{Index: 1, Tool: StoragePut, Timeout: DefaultTimeout, Files: files("**"), FilesPointer: "/tasks/1/parameters/files", Overwrite: true, Place: Place{
				Pointer: "/tasks/1/parameters", AuthorizedAt: "/tasks/1/parameters/connection", Bucket: "out-bucket", Key: "out/day/", RoleARN: "arn:aws:iam::111122223333:role/media",
				ExternalID: "y-43", Duration: 15 * time.Minute, Connection: "delivery", Revision: connections["delivery"].Revision(), BucketOwner: "222233334444",
				Encryption: connections["delivery"].Encryption, StorageClass: "STANDARD_IA",
			}},
			{Index: 2, Tool: StorageCopy, Timeout: DefaultTimeout, FilesPointer: "/tasks/2/parameters/files", Place: Place{
				Pointer: "/tasks/2/parameters/source", AuthorizedAt: "/tasks/2/parameters/source/connection", Bucket: "acme-masters", Key: "in/a.mov", Region: "eu-central-1", RoleARN: "arn:aws:iam::111122223333:role/media",
				ExternalID: "x-42", Duration: time.Hour, Connection: "masters", Revision: connections["masters"].Revision(), BucketOwner: "111122223333",
			}, Destination: Place{
				Pointer: "/tasks/2/parameters/destination", AuthorizedAt: "/tasks/2/parameters/destination/location", Bucket: "bucket", Key: "b.mov", Secret: acme().Secrets["keys"], Duration: time.Hour, BucketOwner: "333344445555",
			}},
		},
	}
	same := cmp.Comparer(func(a, b Pattern) bool { return a.String() == b.String() })
	if diff := cmp.Diff(want, plan, same); diff != "" {
		t.Errorf("plan (-want +got):\n%s", diff)
	}
}

func TestFaultsAreBounded(t *testing.T) {
	t.Parallel()
	_, err := ReadPlan([]byte(`{"tasks": [`+strings.Repeat(`{"x": 1},`, 5000)+`{}]}`), acme(), vendor(t), "")
	if got := List(err); len(got) != maxErrors+2 || got[maxErrors].Message != "there are more faults than these" {
		t.Errorf("%d faults, the last %v", len(got), got[len(got)-1])
	}
}

func TestPrincipalFor(t *testing.T) {
	t.Parallel()
	v := vendor(t)
	for _, tc := range []struct{ name, region, want string }{
		{"", "", "production"}, {"", "eu-west-1", "staging"}, {"", "us-east-1", "production"}, {"", "cn-north-1", "china"}, {"staging", "cn-north-1", "staging"},
	} {
		if p, err := v.PrincipalFor(tc.name, tc.region); err != nil || p.Name != tc.want {
			t.Errorf("PrincipalFor(%q, %q) = %q, %v; want %q", tc.name, tc.region, p.Name, err, tc.want)
		}
	}
	if _, err := v.PrincipalFor("nobody", ""); err == nil || !strings.Contains(strings.Join(lines(err), ""), "production, staging") {
		t.Errorf("an unknown principal gives %v", err)
	}
	p := v.Principals["production"]
	p.Default = false
	v.Principals["production"] = p
	if _, err := v.PrincipalFor("", ""); err == nil {
		t.Error("no default among several is accepted")
	}
	if p, err := (Vendor{Principals: map[string]Principal{"one": {Name: "one"}}}).PrincipalFor("", ""); err != nil || p.Name != "one" {
		t.Errorf("the only principal: %v, %v", p, err)
	}
}

func TestAxinom(t *testing.T) {
	t.Parallel()
	job, err := ParseJob([]byte(`{
		"ContentAcquisition": {"Provider": "AmazonS3", "UriPath": "https://acme-masters.s3.eu-central-1.amazonaws.com/in/", "RoleArnToAssume": "arn:aws:iam::111122223333:role/media", "RoleSessionDurationInSeconds": 900},
		"ContentPublishing": {"Provider": "AmazonS3", "UriPath": "https://out-bucket.s3.eu-west-1.amazonaws.com/out/", "RoleArnToAssume": "arn:aws:iam::111122223333:role/media"}}`))
	if err != nil {
		t.Fatal(err)
	}
	plan, err := job.Validate(acme(), vendor(t), "")
	if err != nil {
		t.Fatal(err)
	}
	get, put := plan.Steps[0], plan.Steps[1]
	if get.Tool != StorageGet || get.Place.Key != "in/" || get.Place.Duration != 15*time.Minute || put.Tool != StoragePut || put.Place.Region != "eu-west-1" {
		t.Errorf("converted to %+v", plan.Steps)
	}
	job, err = ParseJob([]byte(`{
		"ContentAcquisition": {"Provider": "AmazonS3", "UriPath": "https://example.com/in/", "RoleArnToAssume": "arn:aws:iam::111122223333:role/media"},
		"ContentPublishing": {"Provider": "AmazonS3", "UriPath": "https://out-bucket.s3.eu-west-1.amazonaws.com/out/"}}`))
	if err != nil {
		t.Fatal(err)
	}
	_, err = job.Validate(acme(), vendor(t), "")
	if text := strings.Join(lines(err), "\n"); !strings.Contains(text, "/ContentAcquisition/UriPath: the host") || !strings.Contains(text, "/ContentPublishing: nothing authorizes") {
		t.Errorf("faults are not placed in the request that was given:\n%s", text)
	}
	_, err = ParseJob([]byte(`{"ContentAcquisition": {"Provider": "AzureStorage", "UriPath": "x", "CredentialsToken": "plantedSecret"}, "ContentProcessing": {}}`))
	text := strings.Join(lines(err), "\n")
	for _, part := range []string{"/ContentAcquisition/Provider: ", "/ContentAcquisition/CredentialsToken: ", "literal credentials are refused", "/ContentProcessing: ", "/ContentPublishing: "} {
		if !strings.Contains(text, part) {
			t.Errorf("no %q in\n%s", part, text)
		}
	}
	if strings.Contains(text, "planted") {
		t.Error("the fault shows the secret")
	}
}

// lines returns faults as "pointer: message (hint)".
func lines(err error) []string {
	var out []string
	for _, e := range List(err) {
		s := e.Error()
		if e.Hint != "" {
			s += " (" + e.Hint + ")"
		}
		out = append(out, s)
	}
	return out
}

func FuzzParseJob(f *testing.F) {
	f.Add([]byte(`{"tasks": [{"tool": "storage:get|p", "parameters": {"location": "s3://{keys}@bucket/x/", "files": ["**"]}}]}`))
	f.Add([]byte(`{"role_arn": "arn:aws:iam::111122223333:role/media", "tasks": [{"tool": "storage:copy", "parameters": {"source": {"connection": "masters", "path": "a"}, "destination": {"connection": "delivery", "path": "b"}}}]}`))
	f.Add([]byte(`{"ContentAcquisition": {"Provider": "AmazonS3", "UriPath": "https://b-b.s3.amazonaws.com/x/"}}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		job, err := ParseJob(data)
		if err != nil {
			return
		}
		plan, err := job.Validate(acme(), vendor(t), "")
		if err != nil {
			return
		}
		for _, s := range plan.Steps {
			places := []Place{s.Place}
			if s.Tool == StorageCopy {
				places = append(places, s.Destination)
			}
			for _, p := range places {
				if (p.RoleARN == "") == (p.Secret.Name == "") {
					t.Errorf("a step with not exactly one way: %+v", p)
				}
				if c, ok := acme().Connections[p.Connection]; p.Connection != "" && (!ok || p.Bucket != c.Bucket || !strings.HasPrefix(p.Key, c.Prefix)) {
					t.Errorf("a place outside its connection: %+v", p)
				}
				if p.RoleARN != "" && p.BucketOwner == "" {
					t.Errorf("a role without bucket owner: %+v", p)
				}
				if strings.HasPrefix(p.RoleARN, "arn:aws:iam::873682911326:") || strings.HasPrefix(p.RoleARN, "arn:aws:iam::999900001111:") {
					t.Errorf("a role of the vendor's: %+v", p)
				}
			}
		}
	})
}

// Faults have the same order every time, though tags are held in a map.
func TestFaultsOfTagsHaveAnOrder(t *testing.T) {
	t.Parallel()
	tags := map[string]string{"!": "a", "aws:x": "a", "k\n": "a", "#": "a", "a": "!", "b": "!"}
	var want Errors
	validateTags(&want, tags)
	for range 50 {
		var got Errors
		validateTags(&got, tags)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatal(diff)
		}
	}
}

// A file that is named cannot be left out, however exclude writes its name.
func TestNamedFilesAreNotLeftOut(t *testing.T) {
	t.Parallel()
	for exclude, refused := range map[string]bool{`a\\\\b`: true, `a*b`: true, `a\\*b`: false, `a`: false} {
		_, err := ReadPlan([]byte(`{"tasks": [{"tool": "storage:get", "parameters": {"connection": "masters", "files": ["a\\b"], "exclude": ["`+exclude+`"]}}]}`), acme(), vendor(t), "")
		if (err != nil) != refused {
			t.Errorf("%s: %v", exclude, err)
		}
	}
}

// A tool that is not there leads to one only if its own name is like it.
func TestUnknownTools(t *testing.T) {
	t.Parallel()
	for tool, want := range map[string]string{
		"storage:gett": `write "storage:get"`, "storage:GET": `write "storage:get"`, "get": `write "storage:get"`, "storage:exist": `write "storage:exists"`, "storage:get |p": `write "storage:get"`,
		"storage:delete": "use one of", "storage:sync": "use one of", "storage:move": "use one of", "transcode": "use one of",
	} {
		_, err := ReadPlan([]byte(`{"tasks": [{"tool": "`+tool+`", "parameters": {}}]}`), acme(), vendor(t), "")
		if hint := List(err)[0].Hint; !strings.Contains(hint, want) {
			t.Errorf("%s: %s", tool, hint)
		}
	}
}
