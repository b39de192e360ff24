package transfer

import "testing"

// A journal that is renewed has nothing kept and nothing done, in later
// processes neither, and what was open is taken back.
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
			f.holds(t, name)
		})
	}
}

// What nobody comes back to is swept.
func TestRenewSwept(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.cut(t, f.put)
	f.crash(t)
	f.j.Renew()
	if n, err := f.j.Sweep(t.Context(), f.bucket(t, "target"), "", "job-1/0", ""); n != 1 || err != nil {
		t.Errorf("aborted %d, %v", n, err)
	}
	f.clean(t)
}
