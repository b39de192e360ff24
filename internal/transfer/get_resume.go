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

// With a journal, an unfinished file is named by a digest of the transfer, so
// that another attempt finds it. Its parts are summed again before they are
// kept.

// entryID identifies the transfer among those of the job.
func (s source) entryID(name string, o GetOptions) journal.Digest {
	return journal.DigestOf("get", o.Journal.Label(), o.Marker, s.Bucket.Name, s.Key, name)
}

// version identifies one state of the source.
func (s source) version() journal.Digest {
	return journal.DigestOf("object", s.Bucket.Name, s.Key, s.ETag, s.VersionID, strconv.FormatInt(s.Size, 10), strconv.Itoa(partSize))
}

// finishedBefore reports whether an earlier attempt finished, and its file is
// unchanged. If another process wrote the file, it is summed again: the machine
// may have gone down before the bytes were on the disk.
func (g download) finishedBefore(ctx context.Context) (Result, bool) {
	done, ok := g.entry.Finished()
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
		if all, err := g.Client.wire.limits.sumSpan(ctx, file, span{0, g.Size}, checksum{}); err != nil || all.crc64 != done.CRC64 {
			return Result{}, false
		}
	}
	g.reportKept(g.Size)
	return resultOf(done), true
}

// reportKept reports bytes that an earlier attempt moved.
func (g download) reportKept(n int64) {
	report(g.kept, n)
	report(g.progress, n)
}

// openTemp returns the temporary file, and the parts that an earlier attempt
// has written to it.
func (g download) openTemp() (*tempFile, map[int]journal.Part, error) {
	retract := func(context.Context) error {
		err := g.root.Remove(path.Join(path.Dir(g.name), g.entry.TempName()))
		if errors.Is(err, fs.ErrNotExist) {
			err = nil
		}
		return fileError(err)
	}
	if before, ok := g.entry.Unfinished(); ok && !before.Stale {
		if t, err := reopenTemp(g.root, g.name, g.entry.TempName(), g.Size); err == nil {
			g.entry.Resume(retract)
			if err = g.promise(t); err != nil {
				t.keep()
				return nil, nil, err
			}
			return t, before.Parts, nil
		}
	}
	g.entry.BeginFile(path.Dir(g.name), retract)
	t, err := createTemp(g.root, g.name, g.entry.TempName())
	if err == nil {
		if err = g.promise(t); err != nil {
			t.discard()
		}
	}
	if err != nil {
		g.entry.Drop()
		return nil, nil, err
	}
	return t, nil, nil
}

// promise makes the file as large as the object, where there is room for it.
func (g download) promise(t *tempFile) (err error) {
	t.room, err = g.Client.wire.limits.disk.promise(t.file, g.Size)
	return fileError(err)
}

// sumSpan reads a span of a file and returns its sum.
func (l *Limits) sumSpan(ctx context.Context, file *os.File, at span, function checksum) (sum, error) {
	buf, release, err := l.buffer(ctx, at.n)
	if err != nil {
		return sum{}, err
	}
	defer release()
	d := newDigest(function)
	in := io.NewSectionReader(file, at.off, at.n)
	for ctx.Err() == nil {
		n, err := in.Read(buf)
		d.Write(buf[:n]) //nolint:errcheck // a digest cannot fail
		if errors.Is(err, io.EOF) {
			return d.sum(), nil
		}
		if err != nil {
			return sum{}, fileError(err)
		}
	}
	return sum{}, ctx.Err()
}

// commit renames the file to its final name, and records that in the journal.
func (g download) commit(file *tempFile, all sum) error {
	at, err := file.commit()
	if err != nil {
		return err
	}
	g.entry.Done(journal.Finished{Bytes: all.n, CRC64: all.crc64, Time: at.UnixNano()})
	return nil
}

// resultOf returns the result of an earlier attempt.
func resultOf(done journal.Finished) Result {
	parts := 1
	if spans, err := plan(done.Bytes, partSize); err == nil && done.Bytes >= multipartFrom {
		parts = len(spans)
	}
	return Result{Bytes: done.Bytes, CRC64: done.CRC64, Parts: parts, Earlier: true}
}
