package transfer

import (
	"errors"
	"net"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
)

func TestIsRegion(t *testing.T) {
	t.Parallel()
	for s, want := range map[string]bool{
		"eu-central-1": true, "us-gov-west-1": true, "": false, "x": false, "evil.com/a-b-": false, "a-b-*": false, strings.Repeat("a-", 20): false,
	} {
		if isRegion(s) != want {
			t.Errorf("%q", s)
		}
	}
}

func TestRegionOf(t *testing.T) {
	t.Parallel()
	ask := func(do doer) (string, error) {
		return RegionOf(t.Context(), RegionQuestion{Bucket: "b", Endpoint: "http://s3.invalid", Home: "us-east-1", HTTP: do})
	}
	for _, c := range []struct {
		status int
		header []string
		want   string
		kind   Kind
	}{
		{http.StatusOK, []string{"X-Amz-Bucket-Region", "eu-central-1"}, "eu-central-1", ""},
		{http.StatusForbidden, []string{"X-Amz-Bucket-Region", "eu-central-1"}, "eu-central-1", ""},
		{http.StatusMovedPermanently, []string{"X-Amz-Bucket-Region", "eu-central-1"}, "eu-central-1", ""},
		{http.StatusOK, nil, "", ""},
		{http.StatusNotFound, nil, "", NoBucket},
	} {
		got, err := ask(func(r *http.Request) (*http.Response, error) {
			return answer(r, c.status, strings.NewReader(""), 0, c.header...), nil
		})
		if got != c.want || err != nil && KindOf(err) != c.kind || err == nil && c.kind != "" {
			t.Errorf("%+v: %q, %v", c, got, err)
		}
	}
	refused := errors.New("connection refused")
	_, err := ask(func(*http.Request) (*http.Response, error) { return nil, &net.OpError{Op: "dial", Err: refused} })
	if KindOf(err) != Unreachable || !errors.Is(err, refused) {
		t.Errorf("nobody there: %v", err)
	}
}

// A short outage does not fail a patient question.
func TestRegionOfTriesAgain(t *testing.T) {
	t.Parallel()
	for patient, want := range map[bool]int{false: 3, true: attempts} {
		synctest.Test(t, func(t *testing.T) {
			asked := 0
			_, err := RegionOf(t.Context(), RegionQuestion{
				Bucket: "b", Endpoint: "http://s3.invalid", Home: "us-east-1", Patient: patient,
				HTTP: doer(func(r *http.Request) (*http.Response, error) {
					asked++
					return answer(r, http.StatusServiceUnavailable, strings.NewReader(""), 0), nil
				}),
			})
			var e *Error
			if asked != want || !errors.As(err, &e) || e.Kind != Unavailable || e.Attempts != want || e.Took == 0 {
				t.Errorf("patient %v: asked %d times: %+v", patient, asked, e)
			}
		})
	}
}
