package journal

import (
	"context"
	"maps"
)

// Entry is a transfer's own place in a journal; nil is none, and takes
// everything without keeping it.
type Entry struct {
	journal     *Journal
	id, version Digest
}

// Part is a part of an object that is there, at S3 or in an unfinished file.
type Part struct {
	ETag  string // of one at S3
	Bytes int64
	CRC64 uint64
	Other []byte // sum by the function of the source's checksum, where that is another
}

// Finished is a transfer that is done.
type Finished struct {
	Bytes   int64
	CRC64   uint64
	Time    int64 // of the file that was fetched, in nanoseconds
	Earlier bool  // another process did it
	version Digest
}

// Unfinished is what an earlier try left open.
type Unfinished struct {
	Upload string // its id; empty: not known, or it is a file
	Parts  map[int]Part
	Stale  bool // of another version of the source
	Bare   bool // an upload that was begun without all that the object should carry
}

// Take gives the entry of the transfer that id names, for a source of this
// version. Two at once have no use for each other's: the second has none.
// Leave it when the transfer ends.
func (j *Journal) Take(id, version Digest) *Entry {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.busy[id] {
		return nil
	}
	j.busy[id] = true
	return &Entry{j, id, version}
}

// Leave gives the entry free for another try.
func (e *Entry) Leave() {
	if e == nil {
		return
	}
	e.journal.mu.Lock()
	defer e.journal.mu.Unlock()
	delete(e.journal.busy, e.id)
}

// File is what the transfer's unfinished file is called, empty where it may
// have any name.
func (e *Entry) File() string {
	if e == nil {
		return ""
	}
	return unfinishedFile(e.id)
}

// Finished tells whether an earlier try did all of it.
func (e *Entry) Finished() (Finished, bool) {
	if e == nil {
		return Finished{}, false
	}
	e.journal.mu.Lock()
	defer e.journal.mu.Unlock()
	f, ok := e.journal.done[e.id]
	return f, ok && f.version == e.version
}

// Unfinished gives what an earlier try left open, if it left something.
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
	return Unfinished{Upload: p.upload, Parts: maps.Clone(p.parts), Stale: p.version != e.version, Bare: p.bare}, true
}

// TakeUp has what an earlier try left taken back by Retract, if it comes to
// that.
func (e *Entry) TakeUp(retract func(context.Context) error) {
	if e == nil {
		return
	}
	e.journal.mu.Lock()
	defer e.journal.mu.Unlock()
	if p := e.journal.open[e.id]; p != nil {
		p.retract = retract
	}
}

// BeginFile notes that an unfinished file is about to be made in the directory.
func (e *Entry) BeginFile(dir string, retract func(context.Context) error) {
	if e == nil {
		return
	}
	e.journal.note(line{Do: doBegin, ID: e.id, Version: e.version, Dir: dir})
	e.TakeUp(retract)
}

// BeginUpload notes that an upload is about to begin. It is on the disk then,
// if all goes well.
func (e *Entry) BeginUpload(bucket, key, marker string) {
	if e == nil {
		return
	}
	j := e.journal
	j.note(line{Do: doBegin, ID: e.id, Version: e.version, Key: key, Marker: marker})
	j.mu.Lock()
	j.open[e.id].bucket = bucket
	j.mu.Unlock()
	j.sync()
}

// Bare notes, before it began, that the upload is without something that the
// object should carry.
func (e *Entry) Bare() {
	if e == nil {
		return
	}
	e.journal.note(line{Do: doBare, ID: e.id})
}

// Began notes the upload's id, likewise.
func (e *Entry) Began(upload string, retract func(context.Context) error) {
	if e == nil {
		return
	}
	e.journal.note(line{Do: doUpload, ID: e.id, Upload: upload})
	e.TakeUp(retract)
	e.journal.sync()
}

// Lost notes that S3 may have begun an upload, beside the one that is about to
// begin, whose id never came here. The file is not told: a later process looks
// for such uploads anyway.
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

// Part notes one that is there.
func (e *Entry) Part(number int, p Part) {
	if e == nil {
		return
	}
	e.journal.note(line{Do: doPart, ID: e.id, Part: number, ETag: p.ETag, Bytes: p.Bytes, CRC64: p.CRC64, Other: p.Other})
}

// Done notes that all is.
func (e *Entry) Done(f Finished) {
	if e == nil {
		return
	}
	e.journal.note(line{Do: doDone, ID: e.id, Version: e.version, Bytes: f.Bytes, CRC64: f.CRC64, Time: f.Time})
}

// Over notes that nothing is open any more.
func (e *Entry) Over() {
	if e == nil {
		return
	}
	e.journal.note(line{Do: doOver, ID: e.id})
}
