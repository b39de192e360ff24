package transfer

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path"
	"strconv"

	"github.com/rolecall/rolecall/internal/journal"
	"github.com/rolecall/rolecall/internal/workdir"
)

// What a journal is for, in a Get: an unfinished file is called by a digest
// of what the transfer is about, so that another try finds its own, and its
// parts are summed again before they are kept.

// getID tells the transfer from others of the job.
func (s source) getID(name string, o GetOptions) journal.Digest {
	return journal.DigestOf("get", o.Journal.Label(), o.Marker, s.Bucket.Name, s.Key, name)
}

// version tells one state of the source from another.
func (s source) version() journal.Digest {
	return journal.DigestOf("object", s.Bucket.Name, s.Key, s.ETag, s.VersionID, strconv.FormatInt(s.Size, 10), strconv.Itoa(partSize))
}

// earlier tells whether an earlier try did it all, and the file is as it left
// it. What another process wrote is summed again: the machine may have gone
// down before it was on the disk.
func (g getting) earlier(ctx context.Context) (Result, bool) {
	done, ok := g.note.Finished()
	if !ok || done.Bytes != g.Size {
		return Result{}, false
	}
	file, info, err := workdir.Open(g.root, g.name)
	if err != nil {
		return Result{}, false
	}
	defer file.Close()
	if info.Size() != g.Size || info.ModTime().UnixNano() != done.Time {
		return Result{}, false
	}
	if done.Earlier {
		if all, err := g.Client.wire.memory.sum(ctx, file, span{0, g.Size}, checksum{}); err != nil || all.crc64 != done.CRC64 {
			return Result{}, false
		}
	}
	g.have(g.Size)
	return resultOf(done), true
}

// have tells of bytes that an earlier try had moved.
func (g getting) have(n int64) {
	report(g.kept, n)
	report(g.progress, n)
}

// file gives the unfinished file, and the parts that an earlier try noted.
func (g getting) file() (*target, map[int]journal.Part, error) {
	retract := func(context.Context) error {
		err := g.root.Remove(path.Join(path.Dir(g.name), g.note.File()))
		if errors.Is(err, fs.ErrNotExist) {
			err = nil
		}
		return badFile(err)
	}
	if before, ok := g.note.Unfinished(); ok && !before.Stale {
		if t, err := reopen(g.root, g.name, g.note.File(), g.Size); err == nil {
			g.note.TakeUp(retract)
			return t, before.Parts, nil
		}
	}
	g.note.BeginFile(path.Dir(g.name), retract)
	t, err := create(g.root, g.name, g.note.File())
	if err == nil {
		err = badFile(preallocate(t.file, g.Size))
		if err != nil {
			t.discard()
		}
	}
	if err != nil {
		g.note.Over()
		return nil, nil, err
	}
	return t, nil, nil
}

// sum reads a span of a file again.
func (m *Memory) sum(ctx context.Context, file *os.File, at span, function checksum) (sum, error) {
	buf, giveBack, err := m.lend(ctx, at.n)
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
	g.note.Done(journal.Finished{Bytes: all.n, CRC64: all.crc64, Time: at.UnixNano()})
	return nil
}

// resultOf is what is given back of what an earlier try did.
func resultOf(done journal.Finished) Result {
	parts := 1
	if spans, err := plan(done.Bytes, partSize); err == nil && done.Bytes >= inParts {
		parts = len(spans)
	}
	return Result{Bytes: done.Bytes, CRC64: done.CRC64, Parts: parts, Earlier: true}
}
