package transfer

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path"
	"strconv"
	"time"
)

// What a Journal is for, in a Get: an unfinished file is called by a digest
// of what the transfer is about, so that another try finds its own, and its
// parts are summed again before they are kept.

// getID tells the transfer from others of the job.
func (s source) getID(name string, o GetOptions) digest128 {
	return digestOf("get", o.Journal.label, o.Marker, s.Bucket.Name, s.Key, name)
}

// version tells one state of the source from another.
func (s source) version() digest128 {
	tag := s.ETag
	if tag == "" { // of a server that has none
		tag = s.Modified.UTC().Format(time.RFC3339Nano)
	}
	return digestOf("object", s.Bucket.Name, s.Key, tag, s.VersionID, strconv.FormatInt(s.Size, 10), strconv.Itoa(partSize))
}

// temporary is the unfinished file's name, empty where it may be any.
func (g getting) temporary() string {
	if g.note == nil {
		return ""
	}
	return temporaryName(g.note.id.text())
}

// earlier tells whether an earlier try did it all, and the file is as it left
// it. What another process wrote is summed again: the machine may have gone
// down before it was on the disk.
func (g getting) earlier(ctx context.Context) (Result, bool) {
	done, ok := g.note.ended()
	if !ok || done.sum.n != g.Size {
		return Result{}, false
	}
	file, info, err := open(g.root, g.name)
	if err != nil {
		return Result{}, false
	}
	defer file.Close()
	if info.Size() != g.Size || info.ModTime().UnixNano() != done.time {
		return Result{}, false
	}
	if done.earlier {
		if all, err := g.Client.wire.memory.sum(ctx, file, span{0, g.Size}, checksum{}); err != nil || all.crc64 != done.sum.crc64 {
			return Result{}, false
		}
	}
	g.have(g.Size)
	return done.result(), true
}

// have tells of bytes that an earlier try had moved.
func (g getting) have(n int64) {
	report(g.kept, n)
	report(g.progress, n)
}

// file gives the unfinished file, and the parts that an earlier try noted.
func (g getting) file() (*target, map[int]part, error) {
	retract := func(context.Context) error {
		err := g.root.Remove(path.Join(path.Dir(g.name), g.temporary()))
		if errors.Is(err, fs.ErrNotExist) {
			err = nil
		}
		return badFile(err)
	}
	if before, ok := g.note.left(); ok && !before.stale {
		if t, err := reopen(g.root, g.name, g.temporary(), g.Size); err == nil {
			g.note.takeUp(retract)
			return t, before.parts, nil
		}
	}
	g.note.begin(path.Dir(g.name), retract)
	t, err := create(g.root, g.name, g.temporary())
	if err == nil {
		err = badFile(preallocate(t.file, g.Size))
		if err != nil {
			t.discard()
		}
	}
	if err != nil {
		g.note.over()
		return nil, nil, err
	}
	return t, nil, nil
}

// sum reads a span of a file again.
func (m *Memory) sum(ctx context.Context, file *os.File, at span, function checksum) (sum, error) {
	buf, giveBack, err := m.lend(ctx)
	if err != nil {
		return sum{}, err
	}
	defer giveBack()
	d := newDigest(function)
	in := io.NewSectionReader(file, at.off, at.n)
	for ctx.Err() == nil {
		n, err := in.Read(buf)
		d.Write(buf[:n]) //nolint:errcheck // a digest cannot fail
		if errors.Is(err, io.EOF) {
			return d.sum(), nil
		}
		if err != nil {
			return sum{}, badFile(err)
		}
	}
	return sum{}, ctx.Err()
}

// commit gives the file its name, and notes that.
func (g getting) commit(file *target, all sum) error {
	at, err := file.commit()
	if err != nil {
		return err
	}
	g.note.done(all, at.UnixNano())
	return nil
}

// result is what is given back of what an earlier try did.
func (r record) result() Result {
	parts := 1
	if spans, err := plan(r.sum.n, partSize); err == nil && r.sum.n >= inParts {
		parts = len(spans)
	}
	return Result{Bytes: r.sum.n, CRC64: r.sum.crc64, Parts: parts, Earlier: true}
}
