package journal

import (
	"context"
	"maps"
)

// Entry is the record of one transfer in a journal. A nil Entry records
// nothing.
type Entry struct {
	journal     *Journal
	id, version Digest
}

// Part is a part of an object, stored at S3 or in an unfinished file.
type Part struct {
	ETag  string // of a part at S3
	Bytes int64
	CRC64 uint64
	Other []byte // sum by the function of the source's checksum, if it is not CRC64
}

// Finished describes a transfer that is done.
type Finished struct {
	Bytes   int64
	CRC64   uint64
	Time    int64 // of the file that was fetched, in Unix nanoseconds
	Earlier bool  // another process did it
	version Digest
}

// Unfinished describes what an earlier attempt left open.
type Unfinished struct {
	Upload   string // its id; empty: unknown, or it is a file
	Parts    map[int]Part
	Stale    bool // it has another version of the source
	TagsLost bool // the upload began without all of the object's tags
}

// Acquire returns the entry of the transfer with the id, for this version of
// its source. It returns nil while the transfer has an entry already. Release
// the entry when the transfer ends.
func (j *Journal) Acquire(id, version Digest) *Entry {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.busy[id] {
		return nil
	}
	j.busy[id] = true
	return &Entry{j, id, version}
}

// Release makes the entry available to another attempt.
func (e *Entry) Release() {
	if e == nil {
		return
	}
	e.journal.mu.Lock()
	defer e.journal.mu.Unlock()
	delete(e.journal.busy, e.id)
}

// TempName returns the name of the transfer's unfinished file. It is empty if
// any name will do.
func (e *Entry) TempName() string {
	if e == nil {
		return ""
	}
	return tempName(e.id)
}

// Finished returns what an earlier attempt did, and whether it finished.
func (e *Entry) Finished() (Finished, bool) {
	if e == nil {
		return Finished{}, false
	}
	e.journal.mu.Lock()
	defer e.journal.mu.Unlock()
	f, ok := e.journal.done[e.id]
	return f, ok && f.version == e.version
}

// Unfinished returns what an earlier attempt left open, and whether there is
// something.
func (e *Entry) Unfinished() (Unfinished, bool) {
	if e == nil {
		return Unfinished{}, false
	}
	e.journal.mu.Lock()
	defer e.journal.mu.Unlock()
	p := e.journal.open[e.id]
	if p == nil {
		return Unfinished{}, false
	}
	return Unfinished{Upload: p.upload, Parts: maps.Clone(p.parts), Stale: p.version != e.version, TagsLost: p.tagsLost}, true
}

// Resume registers the function by which Retract undoes what an earlier attempt
// left open.
func (e *Entry) Resume(retract func(context.Context) error) {
	if e == nil {
		return
	}
	e.journal.mu.Lock()
	defer e.journal.mu.Unlock()
	if p := e.journal.open[e.id]; p != nil {
		p.retract = retract
	}
}

// BeginFile records that an unfinished file is about to be created in the
// directory.
func (e *Entry) BeginFile(dir string, retract func(context.Context) error) {
	if e == nil {
		return
	}
	e.journal.record(line{Do: doBegin, ID: e.id, Version: e.version, Dir: dir})
	e.Resume(retract)
}

// BeginUpload records that an upload is about to begin, and waits until that is
// on the disk.
func (e *Entry) BeginUpload(bucket, key, marker string) {
	if e == nil {
		return
	}
	j := e.journal
	j.record(line{Do: doBegin, ID: e.id, Version: e.version, Key: key, Marker: marker})
	j.mu.Lock()
	j.open[e.id].bucket = bucket
	j.mu.Unlock()
	j.sync()
}

// TagsLost records, before the upload begins, that it lacks tags that the
// object should have.
func (e *Entry) TagsLost() {
	if e == nil {
		return
	}
	e.journal.record(line{Do: doTagsLost, ID: e.id})
}

// Began records the upload's id, and waits until that is on the disk.
func (e *Entry) Began(upload string, retract func(context.Context) error) {
	if e == nil {
		return
	}
	e.journal.record(line{Do: doUpload, ID: e.id, Upload: upload})
	e.Resume(retract)
	e.journal.sync()
}

// Lost records that S3 may have begun another upload for the transfer, whose id
// did not arrive. It is not written to the file: a later process looks for such
// uploads anyway.
func (e *Entry) Lost() {
	if e == nil {
		return
	}
	e.journal.mu.Lock()
	defer e.journal.mu.Unlock()
	if p := e.journal.open[e.id]; p != nil {
		e.journal.lost[p.marker] = true
	}
}

// Part records a stored part.
func (e *Entry) Part(number int, p Part) {
	if e == nil {
		return
	}
	e.journal.record(line{Do: doPart, ID: e.id, Part: number, ETag: p.ETag, Bytes: p.Bytes, CRC64: p.CRC64, Other: p.Other})
}

// Done records that the transfer is done.
func (e *Entry) Done(f Finished) {
	if e == nil {
		return
	}
	e.journal.record(line{Do: doDone, ID: e.id, Version: e.version, Bytes: f.Bytes, CRC64: f.CRC64, Time: f.Time})
}

// Drop records that nothing is open any more.
func (e *Entry) Drop() {
	if e == nil {
		return
	}
	e.journal.record(line{Do: doDrop, ID: e.id})
}
