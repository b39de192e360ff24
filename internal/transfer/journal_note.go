package transfer

import (
	"context"
	"maps"
)

// note is a transfer's own place in a journal; nil is none, and takes
// everything without keeping it.
type note struct {
	journal     *Journal
	id, version digest128
}

// take gives the place of the transfer that id names, for a source of this
// version. Two at once have no use for each other's notes: the second has none.
func (j *Journal) take(id, version digest128) *note {
	if j == nil {
		return nil
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.busy[id] {
		return nil
	}
	j.busy[id] = true
	return &note{j, id, version}
}

// leave gives the place free.
func (n *note) leave() {
	if n == nil {
		return
	}
	n.journal.mu.Lock()
	defer n.journal.mu.Unlock()
	delete(n.journal.busy, n.id)
}

// ended gives the record of an earlier try that did all of it.
func (n *note) ended() (record, bool) {
	if n == nil {
		return record{}, false
	}
	n.journal.mu.Lock()
	defer n.journal.mu.Unlock()
	r, ok := n.journal.done[n.id]
	return r, ok && r.version == n.version
}

// left is what an earlier try left.
type left struct {
	upload string
	parts  map[int]part
	stale  bool // of another version of the source
}

// left gives what an earlier try left open, if it left something.
func (n *note) left() (left, bool) {
	if n == nil {
		return left{}, false
	}
	n.journal.mu.Lock()
	defer n.journal.mu.Unlock()
	p := n.journal.open[n.id]
	if p == nil {
		return left{}, false
	}
	return left{p.upload, maps.Clone(p.parts), p.version != n.version}, true
}

// takeUp has what an earlier try left taken back by Retract, if it comes to
// that.
func (n *note) takeUp(retract func(context.Context) error) {
	if n == nil {
		return
	}
	n.journal.mu.Lock()
	defer n.journal.mu.Unlock()
	if p := n.journal.open[n.id]; p != nil {
		p.retract = retract
	}
}

// begin notes a Get that is about to begin in the directory, before it does.
func (n *note) begin(dir string, retract func(context.Context) error) {
	if n == nil {
		return
	}
	n.journal.note(line{Do: doBegin, ID: n.id, Version: n.version, Dir: dir})
	n.takeUp(retract)
}

// beginUpload does so for an upload. It is on the disk then, if all goes well.
func (n *note) beginUpload(u upload) {
	if n == nil {
		return
	}
	j := n.journal
	j.note(line{Do: doBegin, ID: n.id, Version: n.version, Key: u.key, Marker: u.options.Marker})
	j.mu.Lock()
	j.open[n.id].bucket = u.to.Name
	j.mu.Unlock()
	j.sync()
}

// began notes the upload's id, likewise.
func (n *note) began(upload string, retract func(context.Context) error) {
	if n == nil {
		return
	}
	n.journal.note(line{Do: doUpload, ID: n.id, Upload: upload})
	n.takeUp(retract)
	n.journal.sync()
}

// part notes one that is there.
func (n *note) part(number int, p part) {
	if n == nil {
		return
	}
	n.journal.note(line{Do: doPart, ID: n.id, Part: number, ETag: p.etag, Bytes: p.sum.n, CRC64: p.sum.crc64, Other: p.sum.other})
}

// done notes that all is.
func (n *note) done(all sum, time int64) {
	if n == nil {
		return
	}
	n.journal.note(line{Do: doDone, ID: n.id, Version: n.version, Bytes: all.n, CRC64: all.crc64, Time: time})
}

// over notes that nothing is open any more.
func (n *note) over() {
	if n == nil {
		return
	}
	n.journal.note(line{Do: doOver, ID: n.id})
}

// goesOn tells whether another try may go on where the error ended one: the
// source and what is there are as they should be, only not all came through.
func goesOn(err error) bool {
	e := *fault("", Bucket{}, "", err).(*Error) //nolint:errorlint,forcetypeassert // fault makes nothing else
	switch e.Kind {
	case Canceled, Unavailable, Unreachable, Expired, NoCredentials, BadCredentials, Denied:
		return e.Code != noSuchUpload
	default:
		return false
	}
}

const noSuchUpload = "NoSuchUpload"
