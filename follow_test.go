package rolecall

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/rolecall/rolecall/internal/hinttest"
)

// TestHintsOfJobs does what each hint about a job, a connection or a place says:
// then the fault is gone.
func TestHintsOfJobs(t *testing.T) {
	t.Parallel()
	const job = `{"region": "eu-central-1", "notify": "https://example.com/hook", "tasks": [
		{"tool": "storage:get", "parameters": {"location": "s3://bucket/x", "role_arn": "arn:aws:iam::111122223333:role/media", "s3_endpoint_url": "https://s3.example.com"}},
		{"tool": "storage:get", "parameters": {"connection": "masters", "path": "a/", "files": ["*.mov"], "exclude": ["tmp/"], "base_dir": "down"}},
		{"tool": "storage:put", "parameters": {"connection": "delivery", "path": "b/", "files": ["*.mov"]}},
		{"tool": "storage:put", "parameters": {"location": "s3://other/", "role_arn": "arn:aws:iam::111122223333:role/media", "files": ["a"], "encryption": {"type": "AES256"}, "bucket_owner": "222233334444"}},
		{"tool": "storage:tag_s3", "parameters": {"location": "s3://{keys}@bucket/x", "tags": {"state": "done"}}},
		{"tool": "storage:copy", "parameters": {"source": {"connection": "masters", "path": "c"}, "destination": {"connection": "delivery", "path": "c"}}},
		{"tool": "storage:get", "parameters": {"location": "s3://bucket/y", "http_credential_source": {"url": "https://vend.example.com/rolecall", "secret": "token"}}}]}`
	const get = `"location": "s3://bucket/x", "role_arn": "arn:aws:iam::111122223333:role/media", "s3_endpoint_url": "https://s3.example.com"`
	at := func(location string) hinttest.Change {
		return hinttest.Change{Right: "s3://bucket/x", Wrong: location}
	}
	to := func(right, wrong, followed string) hinttest.Change {
		return hinttest.Change{Right: right, Wrong: wrong, Followed: followed}
	}
	done := hinttest.Follow(t, job, []hinttest.Change{
		to(`"eu-central-1"`, `"Frankfurt"`, `"aws:eu-central-1"`),
		to("https://example.com/hook", "example.com", ""),
		to("https://example.com/hook", "https://user:x@example.com/hook", ""),
		to(`"notify": "https://example.com/hook", `, `"notify": "https://example.com/hook?AWSAccessKeyId=AKIAIOSFODNN7EXAMPLE", `, hinttest.Gone),
		to("https://s3.example.com", "s3.example.com", ""),
		to("https://s3.example.com", "https://s3.example.com:99999", "https://s3.example.com:443"),
		to("https://s3.example.com", "https://s3.example.com/path", ""),
		to("storage:get", "storage:gett", ""),
		to("storage:get", "gsutil", "storage:exists"),
		to("storage:get", "", "storage:exists"),
		to(`{"tool": "storage:get"`, `{"timeout_seconds": 0, "tool": "storage:get"`, `{"tool": "storage:get"`),
		to(`{"tool": "storage:get"`, `{"retries": 11, "tool": "storage:get"`, `{"tool": "storage:get"`),
		to("storage:get", "storage:get|q", "storage:get|p"),
		to(get, `"role_arn": "arn:aws:iam::111122223333:role/media"`, `"connection": "masters", "path": "x"`),
		to(get, `"connection": "masters", "location": "s3://acme-masters/in/x"`, `"connection": "masters", "path": "x"`),
		to(get, `"path": "x", "location": "s3://bucket/", "role_arn": "arn:aws:iam::111122223333:role/media"`, `"location": "s3://bucket/x", "role_arn": "arn:aws:iam::111122223333:role/media"`),
		to(get, `"location": "s3://bucket/x"`, `"location": "s3://{keys}@bucket/x"`),
		to(get, `"location": "s3://{keys}@bucket/x", "role_arn": "arn:aws:iam::111122223333:role/media"`, `"location": "s3://{keys}@bucket/x"`),
		to("arn:aws:iam::111122223333:role/media", "arn:aws:iam::999900001111:role/media", ""),
		to("arn:aws:iam::111122223333:role/media", "arn:aws:s3:::media", "arn:aws:iam::111122223333:role/name"),
		to("arn:aws:iam::111122223333:role/media", "media", "arn:aws:iam::111122223333:role/name"),
		to("s3://bucket/x", "https://bucket.s3.eu-central-1.amazonaws.com/%ff", "https://bucket.s3.eu-central-1.amazonaws.com/%C3%BF"),
		to("arn:aws:iam::111122223333:role/media", "arn:amazon:iam::111122223333:role/media", ""),
		to("arn:aws:iam::111122223333:role/media", "arn:aws:iam::1111:role/media", ""),
		to("arn:aws:iam::111122223333:role/media", "arn:aws-cn:iam::111122223333:role/media", ""),
		to(`"masters", "path": "a/"`, `"mastres", "path": "a/"`, ""),
		to(`"masters", "path": "a/"`, `"masters", "path": "/a/"`, ""),
		to(`"masters", "path": "a/"`, `"masters", "path": "../a/"`, ""),
		to(`"masters", "path": "a/"`, `"masters", "path": "s3://acme-masters/in/a/"`, ""),
		to(`"connection": "masters", "path": "a/"`, `"connection": "static", "role_session_duration_seconds": 900, "path": "a/"`, `"connection": "static", "path": "a/"`),
		to(`"connection": "masters", "path": "a/"`, `"connection": "vended", "role_session_duration_seconds": 900, "path": "a/"`, `"connection": "vended", "path": "a/"`),
		to(`"connection": "masters", "path": "a/"`, `"connection": "masters", "role_session_duration_seconds": 90, "path": "a/"`, `"connection": "masters", "path": "a/"`),
		to(`"connection": "masters", "path": "a/"`, `"connection": "china", "path": "a/"`, `"connection": "static", "path": "a/"`),
		to(`["*.mov"], "exclude"`, `[], "exclude"`, ""),
		to(`, "files": ["*.mov"], "exclude": ["tmp/"]`, "", `, "files": ["**"]`),
		to(`["*.mov"], "exclude"`, `["/x.mov"], "exclude"`, `["x.mov"], "exclude"`),
		to(`["*.mov"], "exclude"`, `["../x.mov"], "exclude"`, `["x.mov"], "exclude"`),
		to(`["*.mov"], "exclude"`, `["a//x.mov"], "exclude"`, `["a/x.mov"], "exclude"`),
		to(`["*.mov"], "exclude"`, `[""], "exclude"`, `["clip.mov"], "exclude"`),
		to(`["*.mov"], "exclude": ["tmp/"]`, `["tmp/x", "y"], "exclude": ["tmp/"]`, `["y"], "exclude": ["tmp/"]`),
		to(`["*.mov"], "exclude": ["tmp/"]`, `["tmp/x", "y"], "exclude": ["tmp/"]`, `["tmp/x", "y"], "exclude": []`),
		to(`["*.mov"], "exclude": ["tmp/"]`, `["tmp/x"], "exclude": [""]`, `["y"], "exclude": ["clip.mov"]`),
		to(`"files": ["*.mov"], "exclude": ["tmp/"]`, `"exclude": ["tmp/"]`, ""),
		to(`"files": ["a"],`, `"files": [`+strings.Repeat(`"x",`, MaxFiles)+`"x"],`, `"files": ["**"],`),
		to(`"files": ["a"],`, `"files": [`+strings.Repeat(`"x*",`, MaxPatterns)+`"x*"],`, ""),
		to(`"files": ["a"],`, `"files": [".rolecall/x"],`, `"files": [".rolecall/x"], "base_dir": "down",`),
		to(`["tmp/"]`, `["a\\b"]`, `["a\\\\b"]`),
		to(`"down"`, `"/down"`, ""),
		to(`"down"`, `"`+strings.Repeat("x", 256)+`"`, ""),
		to(`"down"`, `"../down"`, ""),
		to(`"down"`, `".rolecall/x"`, ""),
		to(`"delivery", "path": "b/"`, `"masters", "path": "b/"`, ""),
		to(`"path": "b/"`, `"path": "b/", "encryption": {"type": "AES256"}`, ""),
		to(`"path": "b/"`, `"path": "b/", "bucket_owner": "111122223333"`, ""),
		to(`{"type": "AES256"}`, `{"type": "client"}`, ""),
		to(`{"type": "AES256"}`, `{}`, ""),
		to(`{"type": "AES256"}`, `{"type": "AES256", "key": "arn:aws:kms:eu-central-1:111122223333:key/k"}`, `{"type": "aws:kms", "key": "arn:aws:kms:eu-central-1:222233334444:key/k"}`),
		to(`{"type": "AES256"}`, `{"type": "aws:kms", "key": "alias/x"}`, `{"type": "aws:kms", "key": "arn:aws:kms:eu-central-1:222233334444:key/ID"}`),
		to(`{"type": "AES256"}`, `{"type": "aws:kms", "key": "arn:aws:kms:eu-central-1:873682911326:key/k"}`, `{"type": "aws:kms", "key": "arn:aws:kms:eu-central-1:222233334444:key/k"}`),
		to(`{"type": "AES256"}`, `{"type": "aws:kms", "key": "arn:aws-cn:kms:cn-north-1:222233334444:key/k"}`, `{"type": "aws:kms", "key": "arn:aws:kms:eu-central-1:222233334444:key/k"}`),
		to(`"222233334444"`, `"2222"`, ""),
		to(`"222233334444"`, `"873682911326"`, ""),
		to(`{"state": "done"}`, `{}`, ""),
		to(`{"state": "done"}`, `{"aws:x": "y"}`, ""),
		to(`{"state": "done"}`, `{"state": "do;ne"}`, ""),
		to(`{"state": "done"}`, `{"1":"1","2":"2","3":"3","4":"4","5":"5","6":"6","7":"7","8":"8","9":"9","10":"10","11":"11"}`, ""),
		to(`"files": ["a"],`, `"files": ["a"], "tags": {"a": "b"},`, `"files": ["a"],`),
		to(`"files": ["a"],`, `"files": ["a"], "storage_class": "GLACER",`, `"files": ["a"], "storage_class": "GLACIER",`),
		to(`"files": ["a"],`, `"files": ["a"], "acl": "all",`, `"files": ["a"], "acl": "bucket-owner-full-control",`),
		to(`"files": ["a"],`, `"files": ["a"], "acl": "bucket-owner-full-contrl",`, `"files": ["a"], "acl": "bucket-owner-full-control",`),
		to(`"tags": {"state"`, `"overwrite": true, "tags": {"state"`, `"tags": {"state"`),
		to(`"tags": {"state"`, `"base_dir": "x", "tags": {"state"`, `"tags": {"state"`),
		to(`"tags": {"state"`, `"marker": false, "tags": {"state"`, `"tags": {"state"`),
		to(`"source": {"connection"`, `"source": {"marker": false, "connection"`, `"marker": false, "source": {"connection"`),
		to(`s3://{keys}@bucket/x`, `s3://{nokeys}@bucket/x`, ""),
		to(`s3://{keys}@bucket/x`, `s3://{note}@bucket/x`, ""),
		to(`s3://{keys}@bucket/x`, `s3://{bound}@bucket/x`, ""),
		to(`{"url": "https://vend.example.com/rolecall", "secret": "token"}`, `{}`, ""),
		to(`{"url": "https://vend.example.com/rolecall", "secret": "token"}`, `""`, ""),
		to(`{"url": "https://vend.example.com/rolecall", "secret": "token"}`, `{"url": "https://vend.example.com/rolecall"}`, ""),
		to("https://vend.example.com/rolecall", "http://vend.example.com/rolecall", ""),
		to("https://vend.example.com/rolecall", "vend", ""),
		to("https://vend.example.com/rolecall", "https://user:x@vend.example.com/rolecall", ""),
		to("https://vend.example.com/rolecall", "https://vend.example.com/rolecall?token=x", ""),
		to("https://vend.example.com/rolecall", "https://vend.example.com/rolecall#x", ""),
		to("https://vend.example.com/rolecall", "https://vend.example.com:/rolecall", ""),
		to("https://vend.example.com/rolecall", "https://vend.example.com/a/../b", ""),
		to("https://vend.example.com/rolecall", "https://other.example.com/rolecall", ""),
		to(`"secret": "token"`, `"secret": "tokn"`, ""),
		to(`"secret": "token"`, `"secret": "keys"`, ""),
		to(`"secret": "token"`, `"secret": "note"`, ""),
		at("bucket/x"), at("s3://bucket/../x"), at("https://bucket.s3.eu-central-1.amazonaws.com/x#y"), at("https://storage.example.com/bucket/x"),
		at("s3://AKIAIOSFODNN7EXAMPLE:wJalrXUtnFEMI@bucket/x"), at("https://bucket.s3.eu-central-1.amazonaws.com/x?X-Amz-Signature=abc"), at("s3://Bucket_Name/x"), at("s3:///x"),
		at("s3://host:9000/bucket/x"), at("arn:aws:s3:::bucket"), at("arn:aws:s3:::bucket/x"), at("arn:aws:s3:eu-central-1:111122223333:accesspoint/ap/object/x"),
		at("/data/x"), at("https://bucket.s3.eu-central-1.amazonaws.com/x?versionId=1"), at("s3://media--euc1-az1--x-s3/x"), at("s3://ap-1234-s3alias/x"), at("s3://b--ol-s3/x"),
		at("s3://<bucket>/x"), at("s3://{{bucket}}/x"), at("s3://x.mrap/x"), at("s3://xn--a/x"), at("s3://tables--table-s3/x"), at("gs://bucket/x"), at("s3://bucket.s3.amazonaws.com/x"), at("S3://bucket/x"), at("s3:/bucket/x"),
		at("s3a://bucket/x"), at("s3://AKIAIOSFODNN7EXAMPLE@bucket/x"), at("file:///x"), at("https://s3.console.aws.amazon.com/s3/buckets/bucket?prefix=x/"),
		at("arn:aws:s3-outposts:eu-central-1:111122223333:outpost/op/bucket/b"), at("arn:aws:s3-object-lambda:eu-central-1:111122223333:accesspoint/x"), at("arn:aws:s3::111122223333:accesspoint/m.mrap"),
		at("s3://192.168.1.1/x"), at("s3://bucket--op-s3/x"), at("s3://sthree-x/x"), at("s3://amzn-s3-demo-bucket/x"), at("s3://acme.-x/x"),
	}, func(document string) []string {
		_, err := ReadPlan([]byte(document), acme(), vendor(t), "")
		return hintsOf(err)
	})
	const connection = `{"purpose": "source", "bucket": "acme-masters", "prefix": "in/", "region": "eu-central-1", "role_arn": "arn:aws:iam::111122223333:role/media", "external_id": {"mode": "custom", "value": "x-42"}}`
	done = append(done, hinttest.Follow(t, connection, []hinttest.Change{
		to(`"role_arn": "arn:aws:iam::111122223333:role/media", "external_id": {"mode": "custom", "value": "x-42"}`, `"requester_pays": true`, ""),
		to(`"purpose": "source"`, `"purpose": "read"`, ""),
		to(`"purpose": "source", `, ``, `"purpose": "delivery", `),
		to("acme-masters", "acme-masters.s3.amazonaws.com", ""), to("acme-masters", "wJalrXUtnFEMIAK7MDENGAbPxRfiCYEXAMPLEKEY", ""),
		to(`"in/"`, `"in"`, ""), to(`"in/"`, `"in/*"`, ""), to(`"in/"`, `"/in/"`, ""), to(`"prefix": "in/", `, `"prefix": "*", `, hinttest.Gone),
		to(`"in/"`, `"s3://AKIAIOSFODNN7EXAMPLE:wJalrXUtnFEMI@bucket/"`, ""),
		to(`"in/"`, `"`+strings.Repeat("x", 1025)+`/"`, `"x/"`), to(`"in/"`, `"a\u0000/"`, `"a/"`), to(`"in/"`, `"in/", "probe_key": "a\u0000"`, `"in/", "probe_key": "a"`),
		to(`"in/"`, `"in/", "s3_endpoint_url": "https://`+strings.Repeat("x", 20_000)+`"`, `"in/", "s3_endpoint_url": "https://s3.example.com"`),
		to(`"eu-central-1"`, `"Frankfurt"`, ""),
		to(`"role_arn": "arn:aws:iam::111122223333:role/media", "external_id"`, `"secret": "keys", "external_id"`, `"role_arn": "arn:aws:iam::111122223333:role/media", "external_id"`),
		to(`"role_arn": "arn:aws:iam::111122223333:role/media", "external_id": {"mode": "custom", "value": "x-42"}`, `"secret": "keys", "external_id": {"mode": "custom", "value": "x-42"}`, `"secret": "keys"`),
		to(`"role_arn"`, `"secret": "keys", "role_arn"`, ""),
		to(`"role_arn"`, `"http_credential_source": "https://vend.example.com/x", "role_arn"`, ""),
		to(`"role_arn": "arn:aws:iam::111122223333:role/media",`, `"http_credential_source": "https://vend.example.com/x", "role_session_duration_seconds": 900,`, `"http_credential_source": "https://vend.example.com/x",`),
		to(`"custom"`, `"other"`, ""), to(`"x-42"`, `"x 42"`, ""), to(`, "value": "x-42"`, "", ""), to(`, "external_id": {"mode": "custom", "value": "x-42"}`, `, "external_id": {"mode": "custom"}`, hinttest.Gone),
	}, func(document string) []string {
		var c Connection
		if err := json.Unmarshal([]byte(document), &c); err != nil {
			t.Fatal(err)
		}
		return hintsOf(c.Validate())
	})...)
	done = append(done, followTasks(t)...)
	done = append(done, followNames(t)...)
	done = append(done, followSecrets(t)...)
	hinttest.Followed(t, ".", done, []string{"You: fix these first", "You: report this as a fault of rolecall's, with the log"})
}

// followTasks follows the hints about whole jobs, native and Axinom's.
func followTasks(t *testing.T) []string {
	t.Helper()
	find := func(document string) []string {
		_, err := ReadPlan([]byte(document), acme(), vendor(t), "")
		return hintsOf(err)
	}
	const one = `{"tool": "storage:exists", "parameters": {"connection": "masters", "path": "x"}}`
	done := hinttest.Follow(t, `{"tasks": [`+one+`]}`, []hinttest.Change{{Right: one, Wrong: ""}, {Right: one, Wrong: strings.Repeat(one+",", MaxTasks) + one}}, find)
	const axinom = `{"ContentAcquisition": {"Provider": "AmazonS3", "UriPath": "s3://bucket/in/", "RoleArnToAssume": "arn:aws:iam::111122223333:role/media"},
		"ContentPublishing": {"Provider": "AmazonS3", "UriPath": "s3://bucket/out/", "RoleArnToAssume": "arn:aws:iam::111122223333:role/media"}}`
	done = append(done, hinttest.Follow(t, axinom, []hinttest.Change{
		{Right: `"ContentPublishing": {"Provider": "AmazonS3", "UriPath": "s3://bucket/out/", "RoleArnToAssume": "arn:aws:iam::111122223333:role/media"}`, Wrong: `"ContentPublishing": {}`},
		{Right: `"AmazonS3"`, Wrong: `"AzureBlob"`},
		{Right: `"RoleArnToAssume"`, Wrong: `"CredentialsX": "x", "RoleArnToAssume"`},
		{Right: `{"ContentAcquisition"`, Wrong: `{"ContentProcessing": {}, "ContentAcquisition"`},
	}, find)...)
	for wrong, right := range map[string]string{`3`: `"https://vend.example.com/"`, `[]`: `{"url": "https://vend.example.com/", "secret": "name"}`} {
		var s HTTPCredentialSource
		done = append(done, hintsOf(json.Unmarshal([]byte(wrong), &s))...)
		if err := json.Unmarshal([]byte(right), &s); err != nil {
			t.Error(err)
		}
	}
	return done
}

// followNames follows the hints about principals and names.
func followNames(t *testing.T) []string {
	t.Helper()
	var done []string
	none := Vendor{Principals: map[string]Principal{"a": {}, "b": {}}}
	one := Vendor{Principals: map[string]Principal{"a": {}, "b": {Default: true}}}
	regions := Principal{Name: "production", ARN: arn(t, "arn:aws:iam::873682911326:role/Worker")}
	china := Principal{Name: "china", ARN: arn(t, "arn:aws-cn:iam::873682911326:role/Worker")}
	for _, c := range []struct{ wrong, right func() error }{
		{func() error { _, err := none.PrincipalFor(DispenserPrincipal, ""); return err }, func() error { _, err := none.PrincipalFor("a", ""); return err }},
		{func() error { _, err := none.PrincipalFor("x", ""); return err }, func() error { _, err := none.PrincipalFor("b", ""); return err }},
		{func() error { _, err := none.PrincipalFor("", ""); return err }, func() error { _, err := none.PrincipalFor("a", ""); return err }},
		{func() error { _, err := none.PrincipalFor("", ""); return err }, func() error { _, err := one.PrincipalFor("", ""); return err }},
		{func() error { return regions.CheckRegion("cn-north-1") }, func() error { return china.CheckRegion("cn-north-1") }},
		{func() error { return ValidateAPIName("Acme Inc") }, func() error { return ValidateAPIName("acme-inc") }},
		{func() error { return ValidateName("a b") }, func() error { return ValidateName("a.b") }},
	} {
		done = append(done, hintsOf(c.wrong())...)
		if err := c.right(); err != nil {
			t.Error(err)
		}
	}
	return done
}

// followSecrets follows the hints about secrets, and about connections that use them.
func followSecrets(t *testing.T) []string {
	t.Helper()
	var done []string
	for _, c := range []struct{ wrong, right Secret }{
		{Secret{}, Secret{Type: SecretText}},
		{Secret{Type: "key"}, Secret{Type: SecretAWSAccessKey}},
		{Secret{Type: SecretAWSAccessKey, Host: "a.example"}, Secret{Type: SecretAWSAccessKey, Bucket: "bucket"}},
		{Secret{Type: SecretText, Host: "a.example/x"}, Secret{Type: SecretText, Host: "credentials.example.com"}},
	} {
		done = append(done, hintsOf(c.wrong.Validate())...)
		if err := c.right.Validate(); err != nil {
			t.Error(err)
		}
	}
	key := func(key string) error { return Encryption{Type: "aws:kms", Key: key}.Validate() }
	done = append(done, hintsOf(key("arn:aws:kms:eu-central-1:111122223333:alias/x"))...)
	if err := key("arn:aws:kms:eu-central-1:111122223333:key/ID"); err != nil {
		t.Error(err)
	}
	dispensing := vendor(t)
	dispensing.Principals[DispenserPrincipal] = Principal{Name: DispenserPrincipal, ARN: arn(t, "arn:aws:iam::873682911326:role/Dispenser")}
	signed := &HTTPCredentialSource{URL: "https://vend.example.com/"}
	for _, c := range []struct {
		wrong, right Connection
		by           Vendor // of the right one
	}{
		{Connection{Secret: "x"}, Connection{Secret: "keys"}, vendor(t)},
		{Connection{Secret: "note"}, Connection{Secret: "keys"}, vendor(t)},
		{Connection{Secret: "bound", Bucket: "other"}, Connection{Secret: "keys", Bucket: "other"}, vendor(t)},
		{Connection{HTTPCredentialSource: signed}, Connection{HTTPCredentialSource: signed}, dispensing},
		{Connection{HTTPCredentialSource: signed}, Connection{HTTPCredentialSource: &HTTPCredentialSource{URL: "https://vend.example.com/", Secret: "token"}}, vendor(t)},
	} {
		done = append(done, hintsOf(acme().CheckConnection(vendor(t), c.wrong))...)
		if err := acme().CheckConnection(c.by, c.right); err != nil {
			t.Error(err)
		}
	}
	return done
}

func hintsOf(err error) []string {
	var out []string
	for _, e := range List(err) {
		out = append(out, e.Hint)
	}
	return out
}
