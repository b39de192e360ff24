package transfer

import (
	"net/http"
	"strings"
	"testing"
)

// A renewed journal has no parts and no finished transfers, in later processes
// neither, and what was open is undone.
func TestRenew(t *testing.T) {
	t.Parallel()
	for name, try := range fixtures() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFixture(t)
			try := try(f)
			f.cut(t, try)
			f.crash(t)
			f.j.Renew()
			if n := f.j.Unfinished(); n != 1 {
				t.Errorf("%d are unfinished", n)
			}
			f.crash(t)
			r, err := try(t)
			f.whole(t, r, err, 0)
			f.j.Renew()
			f.crash(t)
			if r, err := try(t); err != nil || r.Earlier || f.j.Unfinished() != 0 {
				t.Errorf("%+v, %v", r, err)
			}
			f.clean(t)
			f.checkObject(t, name)
		})
	}
}

// What no transfer resumes is swept.
func TestRenewSwept(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.cut(t, f.put)
	f.crash(t)
	f.j.Renew()
	if n, err := f.sweep(t.Context(), f.bucket(t, "target"), "", "job-1/0", ""); n != 1 || err != nil {
		t.Errorf("aborted %d, %v", n, err)
	}
	f.clean(t)
}

func TestRetractMayNot(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.cut(t, f.put)
	id := f.Uploads("target")[0].ID
	f.setTamper(func(w http.ResponseWriter, r *http.Request, operation string, next http.HandlerFunc) {
		if operation == "AbortMultipartUpload" {
			refuse(w, r, http.StatusForbidden, "AccessDenied")
			return
		}
		next(w, r)
	})
	if e := wantError(t, f.j.Retract(t.Context()), Denied); e.Upload != id || e.Bucket != "target" || e.Key != "x" {
		t.Errorf("got %+v", e)
	}
	f.setTamper(nil)
	f.crash(t)
	r, err := f.put(t)
	f.whole(t, r, err, 2*partSize)
}

// An unfinished file that no run resumes is removed with the journal.
func TestRemoveUnfinished(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.cut(t, f.get)
	f.crash(t)
	if name := f.unfinished(t); !strings.HasPrefix(name, "down/") {
		t.Fatal("it is ", name)
	}
	if err := f.j.Retract(t.Context()); err != nil { // not of this process
		t.Error(err)
	}
	f.unfinished(t)
	if err := f.j.Remove(); err != nil {
		t.Error(err)
	}
	f.clean(t)
}
