package journal

import (
	"context"
	"errors"
	"strings"

	"golang.org/x/sync/errgroup"

	"github.com/rolecall/rolecall/internal/safely"
	"github.com/rolecall/rolecall/internal/workdir"
)

// pending is a transfer that began and has not ended.
type pending struct {
	version     Digest
	key, marker string // of an upload
	dir         string // of a file
	upload      string // empty: not known yet, or it is a file
	tagsLost    bool
	parts       map[int]Part
	// Set by this process only; transfers of an earlier one have neither.
	bucket  string
	retract func(context.Context) error
}

// tempName returns the name of a transfer's unfinished file in its directory.
func tempName(id Digest) string { return workdir.Temporary(id.String()) }

// Unfinished returns the number of open uploads and files.
func (j *Journal) Unfinished() int {
	j.mu.Lock()
	defer j.mu.Unlock()
	return len(j.open)
}

// maxRetractions is how many are undone at once.
const maxRetractions = 32

// Retract undoes everything that is open and was begun or resumed by this
// process, by the functions that its transfers registered. No transfer may run
// any more. What cannot be undone stays recorded; the errors are joined.
func (j *Journal) Retract(ctx context.Context) error {
	type open struct {
		id      Digest
		retract func(context.Context) error
	}
	var all []open
	j.mu.Lock()
	for id, p := range j.open {
		if p.retract != nil {
			all = append(all, open{id, p.retract})
		}
	}
	j.mu.Unlock()
	var g errgroup.Group
	g.SetLimit(maxRetractions)
	errs := make([]error, len(all))
	for i, o := range all {
		g.Go(func() error {
			if errs[i] = safely.Do(func() error { return o.retract(ctx) }); errs[i] == nil {
				j.record(line{Do: doDrop, ID: o.id})
			}
			return nil
		})
	}
	g.Wait() //nolint:errcheck // they are in errs
	return errors.Join(errs...)
}

// Renew has everything done again, as if all sources had changed: what an
// earlier process did is forgotten. What it left open is undone by its
// transfers or by Sweep. The label stays.
func (j *Journal) Renew() {
	j.record(line{Do: doRenew})
	j.sync()
}

// renew applies the line.
func (j *Journal) renew() {
	clear(j.done)
	for _, p := range j.open {
		p.version = Digest{} // no source's
		clear(p.parts)
	}
}

// Lost reports whether the id of an upload with the marker was lost in this
// process, since the last Sweep for the marker.
func (j *Journal) Lost(marker string) bool {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.lost[marker]
}

// Sweep calls abort for the uploads with the marker below the prefix that an
// earlier process began and this one did not resume. It stops at the first
// error. Uploads that were Lost are forgotten; the caller has to find them.
func (j *Journal) Sweep(prefix, marker string, abort func(key, upload string) error) error {
	j.mu.Lock()
	delete(j.lost, marker)
	j.mu.Unlock()
	for id, p := range j.sweepable(prefix, marker) {
		if err := abort(p.key, p.upload); err != nil {
			return err
		}
		j.record(line{Do: doDrop, ID: id})
	}
	return nil
}

func (j *Journal) sweepable(prefix, marker string) map[Digest]pending {
	j.mu.Lock()
	defer j.mu.Unlock()
	found := map[Digest]pending{}
	for id, p := range j.open {
		if p.retract == nil && p.upload != "" && p.marker == marker && p.key != "" && strings.HasPrefix(p.key, prefix) && !j.busy[id] {
			found[id] = *p
		}
	}
	return found
}

// Knows reports whether the upload is one in the journal, or may be one whose
// id is about to be recorded.
func (j *Journal) Knows(bucket, key, upload string) bool {
	j.mu.Lock()
	defer j.mu.Unlock()
	for _, p := range j.open {
		if p.upload == upload || (p.upload == "" && p.bucket == bucket && p.key == key) {
			return true
		}
	}
	return false
}
