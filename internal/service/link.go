package service

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"time"

	"github.com/rolecall/rolecall/internal/seal"
	"github.com/rolecall/rolecall/internal/store"
)

// Head is an organization's last linked record. Kept outside the database, it
// shows that records were cut off.
type Head struct {
	Sequence int64  `json:"sequence"`
	Link     []byte `json:"link"`
}

// kept is what is kept of audit records outside the database.
type kept struct {
	Heads map[string]Head `json:"heads"`
	// Faults are the first of each organization that were found when its records
	// were linked. They stay.
	Faults map[string]string `json:"faults,omitempty"`
	MAC    []byte            `json:"mac,omitempty"` // of all the rest
}

// keptMAC returns the MAC of what is kept.
func (k *Keyring) keptMAC(of kept) (mac []byte, err error) {
	of.MAC = nil
	text, err := json.Marshal(of)
	if err != nil {
		return nil, fmt.Errorf("write heads of audit records: %w", err)
	}
	return mac, k.with(func(keys *seal.Keys) error { mac = keys.SignHeads(text); return nil })
}

// readKept reads what is kept. What this service has not written is no such
// thing, and ok is false.
func (k *Keyring) readKept(text []byte) (is kept, ok bool, err error) {
	var read kept
	if json.Unmarshal(text, &read) == nil {
		mac, err := k.keptMAC(read)
		if err != nil {
			return kept{}, false, err
		}
		ok = bytes.Equal(mac, read.MAC)
	}
	if !ok || read.Heads == nil {
		read = kept{Heads: map[string]Head{}}
	}
	if read.Faults == nil {
		read.Faults = map[string]string{}
	}
	return read, ok, nil
}

// headsMissing is the fault of linked records without a head that is kept.
const headsMissing = "the file of the last links, audit-heads.json, was removed or changed: records that were cut off before are not missed"

// How often records are linked, how long that may take when the service stops,
// how many one change links, and how often the log says the heads.
const (
	linkEvery  = time.Second
	linkLast   = 5 * time.Second
	linkAtOnce = 500
	headsEvery = time.Hour
)

// clockSlack is by how much the time of a record may differ from when the sealer
// finds it.
const clockSlack = time.Minute

// sealer links audit records. One goroutine runs it.
type sealer struct {
	store   *store.Store
	keyring *Keyring
	anchor  func([]byte) error
	given   []byte // what anchor kept before
	log     *slog.Logger

	kept    kept
	unkept  bool             // the anchor has not kept it yet
	passed  time.Time        // when all records were last found linked; zero: not yet
	logged  map[string]int64 // the heads that the log has
	logHead time.Time        // when the log says them next
}

// run links records until the context ends, and then those that are left.
func (s *sealer) run(ctx context.Context) {
	for opened := false; ; {
		err := error(nil)
		if !opened {
			// Even if the context has ended: before other records are linked.
			err = s.open(context.WithoutCancel(ctx))
			opened = err == nil
		}
		if opened {
			err = s.link(ctx)
		}
		if err == nil {
			s.logHeads(ctx)
		} else if ctx.Err() == nil {
			s.log.WarnContext(ctx, "audit records were not linked; it is tried again", "error", err)
		}
		select {
		case <-ctx.Done():
			last, cancel := context.WithTimeout(context.WithoutCancel(ctx), linkLast)
			defer cancel()
			if !opened {
				return
			}
			if err := s.link(last); err != nil {
				s.log.WarnContext(ctx, "audit records were not linked; the next start does it", "error", err)
			}
			return
		case <-time.After(linkEvery):
		}
	}
}

// open reads what was kept, and compares it with the database.
func (s *sealer) open(ctx context.Context) error {
	is, ok, err := s.keyring.readKept(s.given)
	if err != nil {
		return err
	}
	var faults map[string]string
	err = s.store.View(ctx, func(ctx context.Context, tx *store.Tx) error {
		faults = map[string]string{}
		organizations := slices.Sorted(maps.Keys(is.Heads))
		if !ok {
			if organizations, err = tx.Audited(ctx); err != nil {
				return err
			}
		}
		for _, organization := range organizations {
			last, fault, err := s.last(ctx, tx, organization, is.Heads[organization])
			if err != nil {
				return err
			}
			if !ok && last.Sequence > 0 {
				fault = headsMissing
			}
			if fault != "" {
				faults[organization] = fault
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	s.kept, s.unkept = is, !ok
	s.note(ctx, faults)
	return s.keep()
}

// note logs and keeps faults; of each organization the first stays.
func (s *sealer) note(ctx context.Context, faults map[string]string) {
	for _, organization := range slices.Sorted(maps.Keys(faults)) {
		if _, known := s.kept.Faults[organization]; known {
			continue
		}
		s.kept.Faults[organization], s.unkept = faults[organization], true
		s.log.ErrorContext(ctx, "audit records are not as they were written: the database was restored from a backup, or somebody changed them; after a restore, names and claims that came later are forgotten, and tokens that were revoked since work again",
			"org", organization, "fault", faults[organization])
	}
}

// keep has the anchor keep what it has not yet.
func (s *sealer) keep() error {
	if !s.unkept || s.anchor == nil {
		return nil
	}
	var err error
	if s.kept.MAC, err = s.keyring.keptMAC(s.kept); err != nil {
		return err
	}
	text, err := json.Marshal(s.kept)
	if err != nil {
		return fmt.Errorf("write heads of audit records: %w", err)
	}
	if err := s.anchor(text); err != nil {
		return err
	}
	s.unkept = false
	return nil
}

// tip is the record that the next one of an organization is linked to.
type tip struct {
	Head
	time time.Time // of the record; zero: not known
}

// last returns what the next record of an organization is linked to, and what is
// wrong with those before it. Where the database has fewer records than it had,
// that is still the head that was kept: the gap shows for good.
func (s *sealer) last(ctx context.Context, tx *store.Tx, organization string, head Head) (last tip, fault string, err error) {
	stored, err := tx.AuditHead(ctx, organization)
	last = tip{head, timeOf(stored)}
	switch {
	case err != nil:
		return last, "", err
	case stored.Sequence < head.Sequence:
		return last, fmt.Sprintf("the records from %d to %d were missing when the next one came", stored.Sequence+1, head.Sequence), nil
	case stored.Sequence == head.Sequence && !bytes.Equal(stored.Link, head.Link):
		return last, fmt.Sprintf("record %d was changed before the next one came", head.Sequence), nil
	}
	// What was linked and not kept, when a process was killed between the two.
	for head.Sequence < stored.Sequence {
		records, err := tx.LinkedAudit(ctx, organization, head.Sequence, linkAtOnce)
		if err != nil {
			return last, "", err
		}
		for _, r := range records {
			link, err := s.keyring.link(r, head)
			if err != nil {
				return last, "", err
			}
			if r.Sequence != head.Sequence+1 || !bytes.Equal(link, r.Link) {
				last.Head = Head{stored.Sequence, stored.Link}
				return last, fmt.Sprintf("record %d was changed, or the one before it", r.Sequence), nil
			}
			head = Head{r.Sequence, r.Link}
		}
	}
	last.Head = head
	return last, "", nil
}

// link returns what links a record to the one before it.
func (k *Keyring) link(r store.AuditRecord, before Head) (link []byte, err error) {
	return link, k.with(func(keys *seal.Keys) error {
		link = keys.Link(r.Organization, r.Sequence, before.Link, []byte(r.Record))
		return nil
	})
}

// timeOf returns the time that a record says; zero if it says none.
func timeOf(r store.AuditRecord) time.Time {
	var is AuditRecord
	_ = json.Unmarshal([]byte(r.Record), &is) // what is none has no time
	return is.Time
}

// link links the records that are not yet: each to the one before it in its
// organization, by a key that the database does not have.
func (s *sealer) link(ctx context.Context) error {
	if err := s.keep(); err != nil { // what could not be kept before
		return err
	}
	for more := true; more; {
		var now time.Time
		var heads map[string]tip
		var faults map[string]string
		err := s.store.Change(ctx, func(ctx context.Context, tx *store.Tx) error {
			now, heads, faults = tx.Now(), map[string]tip{}, map[string]string{}
			records, err := tx.UnlinkedAudit(ctx, linkAtOnce)
			more = len(records) == linkAtOnce
			if err != nil {
				return err
			}
			return s.linkRecords(ctx, tx, records, heads, faults)
		})
		if err != nil {
			return err
		}
		for organization, head := range heads {
			s.kept.Heads[organization], s.unkept = head.Head, true
		}
		s.note(ctx, faults)
		if err := s.keep(); err != nil {
			return err
		}
		if !more {
			s.passed = now
		}
	}
	return nil
}

func (s *sealer) linkRecords(ctx context.Context, tx *store.Tx, records []store.AuditRecord, heads map[string]tip, faults map[string]string) error {
	for _, r := range records {
		head, known := heads[r.Organization]
		if !known {
			var fault string
			var err error
			head, fault, err = s.last(ctx, tx, r.Organization, s.kept.Heads[r.Organization])
			if err != nil {
				return err
			}
			if fault != "" {
				faults[r.Organization] = fault
			}
		}
		r.Sequence = head.Sequence + 1
		at := timeOf(r)
		if fault := misfit(at, head.time, s.passed, tx.Now()); fault != "" && faults[r.Organization] == "" {
			faults[r.Organization] = fmt.Sprintf("record %d, %s, %s", r.Sequence, r.ID, fault)
		}
		var err error
		if r.Link, err = s.keyring.link(r, head.Head); err != nil {
			return err
		}
		if err := tx.LinkAudit(ctx, r); err != nil {
			return err
		}
		heads[r.Organization] = tip{Head{r.Sequence, r.Link}, at}
	}
	return nil
}

// misfit says what is wrong with the time of a record that was not linked when
// all others were, at passed; nothing if it fits.
func misfit(at, before, passed, now time.Time) string {
	switch {
	case at.Before(before.Add(-clockSlack)), !passed.IsZero() && at.Before(passed.Add(-clockSlack)):
		return "was not there at the time that it says: it was inserted, or the clock was set back"
	case at.After(now.Add(clockSlack)):
		return "is of a time to come: it was inserted, or the clock was set back"
	}
	return ""
}

// logHeads logs the heads that have changed, once an hour: whoever keeps the log
// elsewhere has them outside the machine.
func (s *sealer) logHeads(ctx context.Context) {
	if now := time.Now(); now.Before(s.logHead) {
		return
	}
	s.logHead = time.Now().Add(headsEvery)
	for _, organization := range slices.Sorted(maps.Keys(s.kept.Heads)) {
		if head := s.kept.Heads[organization]; head.Sequence != s.logged[organization] {
			s.log.InfoContext(ctx, "audit head", "org", organization, "sequence", head.Sequence, "link", base64.StdEncoding.EncodeToString(head.Link)) // as in what is kept
			s.logged[organization] = head.Sequence
		}
	}
}
