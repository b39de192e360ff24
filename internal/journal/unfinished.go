package journal

import (
	"context"
	"errors"
	"strings"

	"golang.org/x/sync/errgroup"

	"github.com/rolecall/rolecall/internal/workdir"
)

// pending is a transfer that began and did not end.
type pending struct {
	version     Digest
	key, marker string // of an upload
	dir         string // of a file
	upload      string // empty: not known yet, or it is a file
	bare        bool
	parts       map[int]Part
	// Of this process only; an earlier one's have neither.
	bucket  string
	retract func(context.Context) error
}

// unfinishedFile is what a transfer's unfinished file is called, wherever it is.
func unfinishedFile(id Digest) string { return workdir.Temporary(id.String()) }

// Unfinished tells how many uploads and files are open.
func (j *Journal) Unfinished() int {
	j.mu.Lock()
	defer j.mu.Unlock()
	return len(j.open)
}

// retracted is how many are taken back at once.
const retracted = 32

// Retract takes back all that is open and was begun or taken up by this
// process, by the functions that its transfers left for that. No transfer may
// be at work any more. What cannot be taken back stays noted; the errors are
// joined.
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
	g.SetLimit(retracted)
	errs := make([]error, len(all))
	for i, o := range all {
		g.Go(func() error {
			if errs[i] = o.retract(ctx); errs[i] == nil {
				j.note(line{Do: doOver, ID: o.id})
			}
			return nil
		})
	}
	g.Wait() //nolint:errcheck // they are in errs
	return errors.Join(errs...)
}

// Renew has all be done again: what an earlier process did is forgotten, and
// what it left open is for its transfers, or Sweep, to take back, as when the
// sources had changed since. The label stays.
func (j *Journal) Renew() {
	j.note(line{Do: doRenew})
	j.sync()
}

// renew is what the line does.
func (j *Journal) renew() {
	clear(j.done)
	for _, p := range j.open {
		p.version = Digest{} // no source's
		clear(p.parts)
	}
}

// Lost tells whether the id of an upload with the marker was lost in this
// process, since the last Sweep for the marker.
func (j *Journal) Lost(marker string) bool {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.lost[marker]
}

// Sweep has the uploads with the marker aborted that an earlier process began
// below the prefix and this one did not take up, until one cannot be. Those that
// were Lost are the caller's to look for now: they are forgotten.
func (j *Journal) Sweep(prefix, marker string, abort func(key, upload string) error) error {
	j.mu.Lock()
	delete(j.lost, marker)
	j.mu.Unlock()
	for id, p := range j.swept(prefix, marker) {
		if err := abort(p.key, p.upload); err != nil {
			return err
		}
		j.note(line{Do: doOver, ID: id})
	}
	return nil
}

func (j *Journal) swept(prefix, marker string) map[Digest]pending {
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

// Knows tells whether the upload is a transfer's that is noted, or that may be
// about to note it.
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
