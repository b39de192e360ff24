package credential_test

import (
	"context"
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rolecall/rolecall"
	"github.com/rolecall/rolecall/credential"
)

// All faults of the options come in one answer.
func TestNewValidates(t *testing.T) {
	t.Parallel()
	v, err := credential.New(credential.Options{
		Principals: map[string]credential.Principal{
			"production": principal(t, "production", workerARN),
			"staging":    {Principal: rolecall.Principal{Name: "stage"}},
		},
		VendorAccounts: []string{"999999999999", "1234"},
		Bearers:        func(context.Context, string, string) (credential.Bearer, error) { return credential.Bearer{}, nil },
		STSEndpoint:    "sts.example.com",
		ProveEvery:     -1,
		WatchEvery:     -1,
	})
	var faults rolecall.Errors
	if v != nil || !errors.As(err, &faults) {
		t.Fatalf("%v, %v", v, err)
	}
	var got []string
	for _, e := range faults {
		got = append(got, e.Pointer)
		if e.Code != rolecall.Invalid || e.Message == "" || e.Hint == "" {
			t.Errorf("%+v", e)
		}
	}
	want := []string{
		"/Principals/staging/Name", "/Principals/staging/ARN", "/Principals/staging/Credentials",
		"/VendorAccounts/1", "/Verdicts", "/Tenants", "/STSEndpoint", "/ProveEvery", "/WatchEvery",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}
