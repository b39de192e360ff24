package sandbox

import (
	"encoding/json"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

func TestTrail(t *testing.T) {
	t.Parallel()
	w := loaded(t, nil, Options{})
	scope := `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:GetObject","Resource":"*"}]}`
	session := w.assume(t, worker, sts.AssumeRoleInput{RoleArn: aws.String(media), ExternalId: aws.String("x-42"), Policy: &scope})
	if _, err := w.sts(worker).AssumeRole(t.Context(), &sts.AssumeRoleInput{RoleArn: aws.String(media), RoleSessionName: aws.String("acme.2")}); err == nil {
		t.Fatal("no external id was accepted")
	}
	client := w.s3(session, "eu-central-1")
	if err := get(t.Context(), client, "acme-masters", "in/a.mov"); err != nil {
		t.Fatal(err)
	}
	for _, err := range []error{
		put(t.Context(), client, "acme-masters", "k", "x"),
		get(t.Context(), client, "acme-masters", "none"),
		get(t.Context(), w.s3(keys{session.id, "wrong", session.token}, "eu-central-1"), "acme-masters", "in/a.mov"),
	} {
		if err == nil {
			t.Fatal("something was not refused")
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	const caller, object = "arn:aws:sts::111122223333:assumed-role/media/acme.1", "arn:aws:s3:::acme-masters/"
	vendor := "arn:aws:iam::873682911326:user/worker"
	want := []Event{
		{
			Service: "sts", Operation: "AssumeRole", Caller: vendor, AccessKeyID: worker.id, Resource: media, Status: 200,
			AssumeRole: &AssumeRoleEvent{SessionName: "acme.1", SessionPolicy: scope, Duration: 3600, HasExternalID: true, AccessKeyID: session.id},
		},
		{
			Service: "sts", Operation: "AssumeRole", Caller: vendor, AccessKeyID: worker.id, Resource: media, Status: 403, ErrorCode: "AccessDenied",
			AssumeRole: &AssumeRoleEvent{SessionName: "acme.2", Duration: 3600},
		},
		{Service: "s3", Operation: "GetObject", Caller: caller, AccessKeyID: session.id, SessionName: "acme.1", Resource: object + "in/a.mov", Status: 200},
		{Service: "s3", Operation: "PutObject", Caller: caller, AccessKeyID: session.id, SessionName: "acme.1", Resource: object + "k", Status: 403, ErrorCode: "AccessDenied"},
		{Service: "s3", Operation: "GetObject", Caller: caller, AccessKeyID: session.id, SessionName: "acme.1", Resource: object + "none", Status: 403, ErrorCode: "AccessDenied"},
		{Service: "s3", Operation: "GetObject", AccessKeyID: session.id, Status: 403, ErrorCode: "SignatureDoesNotMatch"},
	}
	got := w.Trail()
	unsure := cmpopts.IgnoreFields(Event{}, "Time", "RequestID", "Region", "SourceIP", "UserAgent")
	if diff := cmp.Diff(want, got, unsure); diff != "" {
		t.Error(diff)
	}
	text, err := json.Marshal(got)
	if err != nil {
		t.Fatal(err)
	}
	for _, secret := range []string{session.secret, session.token, "worker-secret", "x-42"} {
		if strings.Contains(string(text), secret) {
			t.Errorf("the trail holds %q", secret)
		}
	}
	for _, e := range got {
		if e.Region != "eu-central-1" || e.SourceIP != "127.0.0.1" || e.RequestID == "" || time.Since(e.Time) > time.Minute || !strings.Contains(e.UserAgent, "aws-sdk-go-v2") {
			t.Errorf("incomplete event %+v", e)
		}
	}
}

func TestTrailKeepsTheLast(t *testing.T) {
	t.Parallel()
	tr := trail{limit: 3}
	for i := range 5 {
		tr.add(Event{RequestID: strconv.Itoa(i)})
		if n := len(tr.events()); n != min(i+1, 3) {
			t.Fatalf("%d events after %d", n, i+1)
		}
	}
	if got := tr.events(); got[0].RequestID != "2" || got[2].RequestID != "4" {
		t.Errorf("got %+v", got)
	}
}
