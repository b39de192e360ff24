package check

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rolecall/rolecall"
)

// Those of one role, whatever its case, or dispenser go together, and keys of
// secrets alone.
func TestByRole(t *testing.T) {
	t.Parallel()
	dispenser := &rolecall.HTTPCredentialSource{URL: "https://vend.example.com/v1"}
	var requests []Request
	for _, c := range []rolecall.Connection{
		{RoleARN: "arn:aws:iam::111122223333:role/media"},
		{Secret: "keys"},
		{HTTPCredentialSource: dispenser},
		{RoleARN: "arn:aws:iam::111122223333:role/Media"},
		{Secret: "keys"},
		{RoleARN: "arn:aws:iam::111122223333:role/other"},
		{HTTPCredentialSource: &rolecall.HTTPCredentialSource{URL: "https://VEND.example.com/v1"}},
	} {
		requests = append(requests, Request{Connection: c})
	}
	if diff := cmp.Diff([][]int{{0, 3}, {1}, {2, 6}, {4}, {5}}, byRole(requests)); diff != "" {
		t.Error(diff)
	}
}

// recordsFunc is Records that records revisions elsewhere.
type recordsFunc func(revision string) (time.Time, error)

func (f recordsFunc) Changed(_ context.Context, _ rolecall.Organization, _ rolecall.Connection, _ rolecall.Principal, revision string) (time.Time, error) {
	return f(revision)
}

func (recordsFunc) Keep(context.Context, rolecall.CheckReport) (string, error) { return "", nil }

// nobody makes no checks.
type nobody struct{ t *testing.T }

func (n nobody) Check(context.Context, Request, func(Event)) rolecall.CheckReport {
	n.t.Error("the check begins")
	return rolecall.CheckReport{}
}

// The revision of a connection stays what it was in records of before, and
// changes with all that shapes a check. What cannot be recorded is not checked.
func TestRevision(t *testing.T) {
	t.Parallel()
	before := Request{
		Organization: rolecall.Organization{APIName: "acme", ExternalID: rolecall.ExternalID{Mode: rolecall.ExternalIDCustom, Value: "x-42"}},
		Connection: rolecall.Connection{
			Name: "masters", Purpose: rolecall.Source, Bucket: "acme-masters", Prefix: "in/", Region: "eu-central-1", RoleARN: "arn:aws:iam::111122223333:role/media",
		},
		Principal: rolecall.Principal{Name: "production", ARN: rolecall.ARN{Partition: "aws", Service: "iam", Account: "873682911326", Resource: "role/worker"}},
	}
	full := errors.New("the disk is full")
	seen := map[string]string{}
	for name, change := range map[string]func(*Request){
		"as it was": func(*Request) {}, "bucket": func(r *Request) { r.Connection.Bucket = "other" }, "principal": func(r *Request) { r.Principal.ARN.Account = "999999999999" },
		"external id": func(r *Request) { r.Organization.ExternalID.Value = "x-43" },
		"its own":     func(r *Request) { r.Connection.ExternalID = &rolecall.ExternalID{Value: "x-42"} },
	} {
		r, got := before, ""
		change(&r)
		refuse := recordsFunc(func(revision string) (time.Time, error) { got = revision; return time.Time{}, full })
		if report, _, err := Recorded(t.Context(), r, nobody{t}, refuse, func(*Request) { t.Error("the check begins") }, nil); !errors.Is(err, full) || len(report.Steps) > 0 {
			t.Errorf("%s: %+v, %v", name, report, err)
		}
		if _, err := All(t.Context(), []Request{r}, nobody{t}, refuse, nil, nil); !errors.Is(err, full) {
			t.Errorf("%s: %v", name, err)
		}
		if other, ok := seen[got]; ok {
			t.Errorf("%s and %s are the same", name, other)
		}
		seen[got] = name
	}
	if seen["83671f461c83542cf395769cfbc8287acc4346e1504c06c5907e77a7ec3d225d"] != "as it was" {
		t.Errorf("revisions are %v", seen)
	}
}

// checkerFunc is a Checker.
type checkerFunc func(context.Context, Request) rolecall.CheckReport

func (f checkerFunc) Check(ctx context.Context, r Request, _ func(Event)) rolecall.CheckReport {
	return f(ctx, r)
}

// Checks of one role do not meet, those of others do, and the reports of all
// that ended come in the order of the requests.
func TestAll(t *testing.T) {
	t.Parallel()
	var requests []Request
	for i, role := range []string{"a", "b", "A", "b", "c", "a"} {
		requests = append(requests, Request{Connection: rolecall.Connection{Name: strconv.Itoa(i), RoleARN: role}})
	}
	never := recordsFunc(func(string) (time.Time, error) { return time.Time{}, nil })
	report := func(r Request) rolecall.CheckReport {
		return rolecall.CheckReport{Connection: r.Connection.Name, Steps: []rolecall.CheckStep{{Step: "arn"}}}
	}
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		under, most := map[string]int{}, 0
		began := time.Now()
		reports, err := All(t.Context(), requests, checkerFunc(func(_ context.Context, r Request) rolecall.CheckReport {
			role := strings.ToLower(r.Connection.RoleARN)
			mu.Lock()
			if under[role]++; under[role] > 1 {
				t.Errorf("two checks of the role %s at once", role)
			}
			most = max(most, len(under))
			mu.Unlock()
			time.Sleep(time.Minute) // of the bubble's fake clock
			mu.Lock()
			delete(under, role)
			mu.Unlock()
			return report(r)
		}), never, func(*Request) {}, nil)
		var got []string
		for _, r := range reports {
			got = append(got, r.Connection)
		}
		if err != nil || !slices.Equal(got, []string{"0", "1", "2", "3", "4", "5"}) || most != 3 || time.Since(began) != 3*time.Minute {
			t.Errorf("%v after %v, %d at once, %v", got, time.Since(began), most, err)
		}
	})

	ctx, cancel := context.WithCancel(t.Context())
	reports, err := All(ctx, requests[:4:4], checkerFunc(func(_ context.Context, r Request) rolecall.CheckReport {
		if r.Connection.Name == "2" {
			cancel()
		}
		return report(r)
	}), never, func(*Request) {}, nil)
	for _, r := range reports {
		if r.Connection == "2" {
			t.Error("the report of an interrupted check is given")
		}
	}
	if !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}
