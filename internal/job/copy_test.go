package job_test

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/google/go-cmp/cmp"

	"github.com/rolecall/rolecall"
	"github.com/rolecall/rolecall/internal/task"
)

// tag sets an object's tags, by its bucket's owner.
func (w *world) tag(t *testing.T, bucket, key, query string) {
	t.Helper()
	_, err := w.owner(bucket).CopyObject(t.Context(), &s3.CopyObjectInput{
		Bucket: &bucket, Key: &key, CopySource: new(bucket + "/" + key), Tagging: &query, TaggingDirective: "REPLACE", MetadataDirective: "REPLACE",
	})
	if err != nil {
		t.Fatal(err)
	}
}

func (w *world) tags(t *testing.T, bucket, key string) map[string]string {
	t.Helper()
	out, err := w.owner(bucket).GetObjectTagging(t.Context(), &s3.GetObjectTaggingInput{Bucket: &bucket, Key: &key})
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]string{}
	for _, tag := range out.TagSet {
		found[*tag.Key] = *tag.Value
	}
	return found
}

// Where one role is for both ends S3 copies by itself, under a session that
// may do only that.
func TestCopyWithinARole(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "")
	w.put(t, "acme-masters", map[string][]byte{"in/a.mov": media(1, 20<<20), "in/b/c.txt": media(2, 10)})
	w.tag(t, "acme-masters", "in/a.mov", "kind=master")
	var seen events
	before := len(w.server.Trail())
	report := w.run(t.Context(), t, t.TempDir(), tool("storage:copy", `{"source": {"location": "s3://acme-masters/in/", "role_arn": "arn:aws:iam::111122223333:role/curator"},
		"destination": {"location": "s3://acme-masters/copies/", "role_arn": "arn:aws:iam::111122223333:role/curator", "encryption": {"type": "AES256"}}, "files": ["**"]}`), seen.add)
	if report.Status != rolecall.Completed || report.Tasks[0].Files != 2 || report.Tasks[0].Bytes != 20<<20+10 {
		t.Fatal(show(report))
	}
	asked := map[string]int{}
	for _, e := range w.server.Trail()[before:] {
		asked[e.Operation]++
	}
	if asked["CopyObject"] != 2 || asked["PutObject"]+asked["UploadPart"] > 0 {
		t.Errorf("requests: %v", asked)
	}
	objects := w.objects(t, "acme-masters")
	for from, to := range map[string]string{"in/a.mov": "copies/a.mov", "in/b/c.txt": "copies/b/c.txt"} {
		if !bytes.Equal(objects[from], objects[to]) {
			t.Errorf("%q has other bytes than %q", to, from)
		}
	}
	if diff := cmp.Diff(map[string]string{"kind": "master"}, w.tags(t, "acme-masters", "copies/a.mov")); diff != "" {
		t.Error(diff)
	}
	var moved int64
	for _, e := range seen.all {
		if e.Progress.Kind == task.Moved {
			moved += e.Progress.Bytes
		}
	}
	if moved != report.Tasks[0].Bytes {
		t.Errorf("%d bytes moved", moved)
	}
}

// A role that may not write tags copies without, and that is told once.
func TestCopyTellsOfLostTags(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "")
	for i := range 3 {
		key := fmt.Sprintf("in/%d", i)
		w.put(t, "acme-masters", map[string][]byte{key: media(byte(i), 10)})
		w.tag(t, "acme-masters", key, "kind=master")
	}
	var seen events
	report := w.run(t.Context(), t, t.TempDir(), tool("storage:copy", `{"source": {"location": "s3://acme-masters/in/", "role_arn": "arn:aws:iam::111122223333:role/curator"},
		"destination": {"connection": "delivery"}, "files": ["*"]}`), seen.add)
	lost := 0
	for _, e := range seen.all {
		if e.Progress.Kind == task.Lost {
			lost++
		}
	}
	if notes := report.Tasks[0].Notes; len(notes) != 1 || notes[0].Kind != rolecall.Lost {
		t.Errorf("notes: %+v", notes)
	}
	if report.Status != rolecall.Completed || report.Tasks[0].Files != 3 || lost != 1 {
		t.Errorf("told %d times\n%s", lost, show(report))
	}
}

// Copies that come to lie where their sources are listed are not copied again.
func TestCopyIntoItself(t *testing.T) {
	t.Parallel()
	const files = 1001 // more than a page of the listing
	w := newWorld(t, "")
	sources := map[string][]byte{}
	for i := range files {
		sources[fmt.Sprintf("in/%04d", i)] = nil
	}
	w.put(t, "acme-masters", sources)
	report := w.run(t.Context(), t, t.TempDir(), tool("storage:copy", `{"source": {"location": "s3://acme-masters/", "role_arn": "arn:aws:iam::111122223333:role/curator"},
		"destination": {"location": "s3://acme-masters/in/", "role_arn": "arn:aws:iam::111122223333:role/curator"}, "files": ["**"]}`), nil)
	if n := len(w.objects(t, "acme-masters")); report.Status != rolecall.Completed || report.Tasks[0].Files != files || n != 2*files {
		t.Errorf("%d objects\n%s", n, show(report))
	}
}

// A role that may not read tags is not told by S3 that there are any. That is
// found out and reported once, for people and in the report.
func TestCopyReportsHiddenTags(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "")
	objects := map[string][]byte{}
	for i := range 40 {
		objects[fmt.Sprintf("in/%02d", i)] = media(byte(i), 10)
	}
	w.put(t, "acme-masters", objects)
	w.tag(t, "acme-masters", "in/07", "kind=master")
	before := len(w.server.Trail())
	report := w.run(t.Context(), t, t.TempDir(), tool("storage:copy", `{"source": {"connection": "masters"}, "destination": {"connection": "delivery"}, "files": ["*"]}`), nil)
	notes := report.Tasks[0].Notes
	if report.Status != rolecall.Completed || len(notes) != 1 || notes[0].Kind != rolecall.Lost || notes[0].Key == "" || !strings.Contains(notes[0].Message, "s3:GetObjectTagging") {
		t.Errorf("%+v\n%s", notes, show(report))
	}
	asked := 0
	for _, e := range w.server.Trail()[before:] {
		if e.Operation == "GetObjectTagging" {
			asked++
		}
	}
	if asked != 1 {
		t.Errorf("asked %d times", asked)
	}
}
