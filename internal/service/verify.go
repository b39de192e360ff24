package service

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/rolecall/rolecall/internal/store"
)

// Finding is what VerifyAudit found of an organization's records.
type Finding struct {
	Organization string `json:"organization"`
	Records      int64  `json:"records"`  // that are linked
	Unlinked     int64  `json:"unlinked"` // that are not yet: younger than a few seconds, while the service runs
	Fault        string `json:"fault,omitempty"`
}

// VerifyAudit checks the links of all records, that those are there that were
// kept outside the database, and that none is without a link for long while the
// service runs, as serving says. It returns a finding for each organization.
func (s *Service) VerifyAudit(ctx context.Context, outside []byte, serving bool) (findings []Finding, err error) {
	is, ok, err := s.keyring.readKept(outside)
	if err != nil {
		return nil, err
	}
	err = s.store.View(store.Patient(ctx), func(ctx context.Context, tx *store.Tx) error {
		findings = nil
		organizations, err := tx.Audited(ctx)
		if err != nil {
			return err
		}
		misfits, err := unlinkedMisfits(ctx, tx, serving)
		if err != nil {
			return err
		}
		for _, organization := range organizations {
			f, err := s.verifyAudit(ctx, tx, organization, is.Heads[organization])
			if err != nil {
				return err
			}
			f.Fault = cmp.Or(f.Fault, is.Faults[organization], misfits[organization])
			if f.Fault == "" && f.Records > 0 && !ok {
				f.Fault = headsMissing
			}
			findings = append(findings, f)
		}
		for _, organization := range slices.Sorted(maps.Keys(is.Heads)) {
			if !slices.Contains(organizations, organization) {
				findings = append(findings, Finding{Organization: organization, Fault: "all records are missing"})
			}
		}
		return nil
	})
	return findings, err
}

// linkedWithin is after what time a record has a link while the service runs.
const linkedWithin = 10 * time.Second

// unlinkedMisfits returns what is wrong with records that are not linked, by
// organization. Of those that wait for the service to start, it looks at the
// oldest.
func unlinkedMisfits(ctx context.Context, tx *store.Tx, serving bool) (map[string]string, error) {
	records, err := tx.UnlinkedAudit(ctx, linkAtOnce)
	if err != nil {
		return nil, err
	}
	faults, before, now := map[string]string{}, map[string]time.Time{}, tx.Now()
	for _, r := range records {
		last, known := before[r.Organization]
		if !known {
			head, err := tx.AuditHead(ctx, r.Organization)
			if err != nil {
				return nil, err
			}
			last = timeOf(head)
			before[r.Organization] = last
		}
		at := timeOf(r)
		fault := misfit(at, last, time.Time{}, now)
		if serving && now.Sub(at) > linkedWithin {
			fault = "is not linked, though the service runs: it was inserted, or the service cannot link"
		}
		if fault != "" && faults[r.Organization] == "" {
			faults[r.Organization] = fmt.Sprintf("record %s %s", r.ID, fault)
		}
	}
	return faults, nil
}

func (s *Service) verifyAudit(ctx context.Context, tx *store.Tx, organization string, anchor Head) (Finding, error) {
	f := Finding{Organization: organization}
	var err error
	if f.Unlinked, err = tx.CountUnlinkedAudit(ctx, organization); err != nil {
		return f, err
	}
	var last Head
	for {
		records, err := tx.LinkedAudit(ctx, organization, last.Sequence, linkAtOnce)
		if err != nil || len(records) == 0 {
			if err == nil && last.Sequence < anchor.Sequence {
				f.Fault = fmt.Sprintf("the records from %d to %d are missing: the last ones were cut off", last.Sequence+1, anchor.Sequence)
			}
			return f, err
		}
		for _, r := range records {
			if r.Sequence != last.Sequence+1 {
				f.Fault = fmt.Sprintf("record %d is missing", last.Sequence+1)
				return f, nil
			}
			link, err := s.keyring.link(r, last)
			if err != nil {
				return f, err
			}
			if !asRecorded(r) || !bytes.Equal(link, r.Link) || r.Sequence == anchor.Sequence && !bytes.Equal(link, anchor.Link) {
				f.Fault = fmt.Sprintf("record %d, %s, was changed, or the one before it", r.Sequence, r.ID)
				return f, nil
			}
			last, f.Records = Head{r.Sequence, r.Link}, r.Sequence
		}
	}
}

// asRecorded reports whether what lists look for is what the record says.
func asRecorded(r store.AuditRecord) bool {
	var is AuditRecord
	return json.Unmarshal([]byte(r.Record), &is) == nil && is.ID == r.ID && is.Organization == r.Organization && is.Actor.ID == r.Actor && string(is.Action) == r.Action
}
