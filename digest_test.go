package rolecall

import (
	"reflect"
	"strings"
	"testing"
)

func digestOf(t *testing.T, job, principal string) string {
	t.Helper()
	plan, err := ReadPlan([]byte(job), acme(), vendor(t), principal)
	if err != nil {
		t.Fatalf("%s: %v", job, err)
	}
	return plan.Digest
}

// The digest does not depend on how the document is written.
func TestDigestOfOneJob(t *testing.T) {
	t.Parallel()
	for name, forms := range map[string][]string{
		"spelling": {
			`{"region": "eu-west-1", "tasks": [{"tool": "storage:get", "retries": 0, "parameters": {"location": "s3://bucket/in/", "files": ["a", "b"], ` + role + `}}]}`,
			`{"tasks":[{"parameters":{` + role + `,"files":["a","b"],"location":"s3://bucket/in/"},"tool":"storage:get"}],"region":"eu-west-1"}`,
			`{"tasks": [{"retries": -0, "tool": "\u0073torage:get", "parameters": {` + role + `, "files": ["a", "b"], "location": "s3://bucket\/in/", "base_dir": "", "overwrite": false, "encryption": null, "tags": null}}],
			  "region": "eu-west-1", "tags": [], "notify": "", "role_arn": ""}`,
		},
		"patience": {
			`{"tasks": [{"tool": "storage:get", "parameters": {"location": "s3://bucket/x", ` + role + `}}]}`,
			`{"tasks": [{"tool": "storage:get", "retries": 3, "timeout_seconds": 60, "parameters": {"location": "s3://bucket/x", ` + role + `}}]}`,
		},
		"tags": {
			`{"tasks": [{"tool": "storage:tag_s3", "parameters": {"connection": "delivery", "path": "x", "tags": {"a": "1", "b": "2"}}}]}`,
			`{"tasks": [{"tool": "storage:tag_s3", "parameters": {"connection": "delivery", "path": "x", "tags": {"b": "2", "a": "1"}, "files": []}}]}`,
		},
		"dispenser": {
			`{"tasks": [{"tool": "storage:get", "parameters": {"location": "s3://bucket/x", "http_credential_source": {"secret": "token", "url": "https://vend.example.com/"}}}]}`,
			`{"tasks": [{"tool": "storage:get", "parameters": {"location": "s3://bucket/x", "http_credential_source": {"url": "https://vend.example.com/", "secret": "token"}}}]}`,
		},
		"Axinom's": {
			`{"ContentAcquisition": {"Provider": "AmazonS3", "UriPath": "s3://bucket/in/", "RoleArnToAssume": "arn:aws:iam::111122223333:role/media"},
			  "ContentPublishing": {"Provider": "AmazonS3", "UriPath": "s3://bucket/out/", "RoleArnToAssume": "arn:aws:iam::111122223333:role/media", "RoleSessionDurationInSeconds": 900}}`,
			`{"tasks": [
			  {"name": "ContentAcquisition", "tool": "storage:get", "parameters": {"location": "s3://bucket/in/", "files": ["**"], ` + role + `}},
			  {"name": "ContentPublishing", "tool": "storage:put", "parameters": {"location": "s3://bucket/out/", "files": ["**"], ` + role + `, "role_session_duration_seconds": 900}}]}`,
		},
	} {
		first := digestOf(t, forms[0], "")
		for i, form := range forms[1:] {
			if digestOf(t, form, "") != first {
				t.Errorf("%s: form %d is another job", name, i+1)
			}
		}
	}
}

// Any other parameter, organization or principal makes another job.
func TestDigestOfOthers(t *testing.T) {
	t.Parallel()
	seen := map[string]string{}
	other := func(what, digest string) {
		t.Helper()
		if before, known := seen[digest]; known || digest == "" {
			t.Errorf("%s is the same job as %s", what, before)
		}
		seen[digest] = what
	}
	for _, tool := range Tools() {
		for _, key := range []string{"x", "y"} {
			place := role + `, "location": "s3://bucket/` + key + `"`
			switch tool {
			case StorageCopy:
				place = `"source": {` + place + `}, "destination": {` + place + `}`
			case StorageTagS3:
				place += `, "tags": {"a": "b"}`
			}
			other(tool+" of "+key, digestOf(t, `{"tasks": [{"tool": "`+tool+`", "parameters": {`+place+`}}]}`, ""))
		}
	}
	job := `{"tasks": [{"tool": "storage:get", "parameters": {` + role + `, "location": "s3://bucket/z"}}]}`
	other("acme's", digestOf(t, job, ""))
	other("as staging", digestOf(t, job, "staging"))
	globex := acme()
	globex.APIName = "globex"
	plan, err := ReadPlan([]byte(job), globex, vendor(t), "")
	if err != nil {
		t.Fatal(err)
	}
	other("globex's", plan.Digest)
	again := strings.Replace(job, `{"tool`, `{"tool": "storage:get", "parameters": {`+role+`, "location": "s3://bucket/z"}}, {"tool`, 1)
	other("twice", digestOf(t, again, ""))
}

// Every field of a job and its parameters counts, also those added later.
func TestDigestOfEveryField(t *testing.T) {
	t.Parallel()
	for _, parameters := range []any{&storageParameters{}, &copyParameters{}} {
		job := Job{Tasks: []Task{{}}}
		seen := map[string]string{}
		counts := func(at string) {
			digest, err := job.digest([]any{parameters}, "acme", "production")
			if before, known := seen[digest]; known || err != nil {
				t.Errorf("%s counts no more than %s, %v", at, before, err)
			}
			seen[digest] = at
		}
		counts("nothing")
		setEach(t, reflect.ValueOf(&job).Elem(), "Job", counts)
		setEach(t, reflect.ValueOf(parameters).Elem(), "parameters", counts)
	}
}

// setEach sets each part of v to something, one at a time.
func setEach(t *testing.T, v reflect.Value, at string, done func(at string)) {
	t.Helper()
	set := func(to any) {
		v.Set(reflect.ValueOf(to).Convert(v.Type()))
		done(at)
		v.SetZero()
	}
	switch {
	case at == "Job.pointers" || at == "Job.Tasks.0.Parameters": // depends on how the document is written; passed separately
	case at == "Job.Tasks.0.Retries" || at == "Job.Tasks.0.TimeoutSeconds": // do not change what the job does
	case v.Kind() == reflect.Struct:
		for i := range v.NumField() {
			setEach(t, v.Field(i), at+"."+v.Type().Field(i).Name, done)
		}
	case !v.CanSet():
		t.Errorf("%s is not exported, and so does not count", at)
	case v.Kind() == reflect.String:
		set("x")
	case v.Kind() == reflect.Int:
		set(1)
	case v.Kind() == reflect.Bool:
		set(true)
	case v.Type() == reflect.TypeFor[map[string]string]():
		set(map[string]string{"x": ""})
		set(map[string]string{"": "x"})
	case v.Kind() == reflect.Slice:
		if v.Len() == 0 {
			v.Set(reflect.MakeSlice(v.Type(), 1, 1))
			defer v.SetZero()
			done(at)
		}
		setEach(t, v.Index(0), at+".0", done)
	case v.Kind() == reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		defer v.SetZero()
		done(at)
		setEach(t, v.Elem(), at, done)
	default:
		t.Errorf("%s is a %s, which this test cannot set", at, v.Type())
	}
}
