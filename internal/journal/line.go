package journal

import (
	"bufio"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"strconv"
)

// line is a line of the file: JSON for one event, sealed and written at once.
// The first line has the label.
type line struct {
	Do      string `json:"do"`
	Label   string `json:"label,omitempty"`
	ID      Digest `json:"id,omitzero"`      // of the transfer
	Version Digest `json:"version,omitzero"` // of its source
	Key     string `json:"key,omitempty"`    // doBegin of an upload
	Marker  string `json:"marker,omitempty"`
	Dir     string `json:"dir,omitempty"` // doBegin of a file: where the unfinished file is
	Upload  string `json:"upload,omitempty"`
	Part    int    `json:"part,omitempty"`
	ETag    string `json:"etag,omitempty"`
	Bytes   int64  `json:"bytes,omitempty"`
	CRC64   uint64 `json:"crc64,omitempty"`
	Other   []byte `json:"other,omitempty"` // see Part
	Time    int64  `json:"time,omitempty"`  // see Finished
}

// The events.
const (
	doBegin    = "begin"  // a job or, with an id, a transfer
	doTagsLost = "bare"   // the upload lacks tags that the object should have
	doUpload   = "upload" // S3 began the upload with the id Upload
	doPart     = "part"   // a part is stored
	doDone     = "done"   // the transfer is done
	doDrop     = "over"   // what the transfer began is undone
	doRenew    = "renew"  // everything must be done again
)

const (
	maxLine  = 16 << 10
	maxText  = 1 << 10 // bytes of a key, an upload's id or a part's ETag
	maxOther = 64
	maxDir   = 4 << 10
	maxParts = 10_000
)

// check returns an error if the line exceeds the limits.
func (l line) check() error {
	ok := max(len(l.Upload), len(l.Key), len(l.Marker), len(l.ETag)) <= maxText &&
		len(l.Other) <= maxOther && len(l.Dir) <= maxDir && (l.Dir == "" || fs.ValidPath(l.Dir)) && l.Bytes >= 0 && l.Part >= 0 && l.Part <= maxParts
	if !ok {
		return errors.New("it is no line of a journal")
	}
	return nil
}

// apply updates the state by a line. It ignores a line that does not fit those
// before it.
func (j *Journal) apply(l line) {
	p := j.open[l.ID]
	switch l.Do {
	case doBegin:
		j.open[l.ID] = &pending{version: l.Version, key: l.Key, marker: l.Marker, dir: l.Dir, parts: map[int]Part{}}
		delete(j.done, l.ID)
	case doTagsLost:
		if p != nil {
			p.tagsLost = true
		}
	case doUpload:
		if p != nil {
			p.upload = l.Upload
		}
	case doPart:
		if p != nil && l.Part > 0 {
			p.parts[l.Part] = Part{l.ETag, l.Bytes, l.CRC64, l.Other}
		}
	case doDone:
		j.done[l.ID] = Finished{Bytes: l.Bytes, CRC64: l.CRC64, Time: l.Time, version: l.Version}
		delete(j.open, l.ID)
	case doDrop:
		delete(j.open, l.ID)
	case doRenew:
		j.renew()
	}
}

// read applies the lines of an earlier process, and returns the length of those
// that are complete and valid.
func (j *Journal) read(from io.Reader) (int64, error) {
	in := bufio.NewReaderSize(from, maxLine)
	good := int64(0)
	for {
		text, err := in.ReadSlice('\n')
		if errors.Is(err, io.EOF) || errors.Is(err, bufio.ErrBufferFull) {
			break
		}
		if err != nil {
			return 0, err
		}
		var l line
		sealed := int64(len(text))
		text, valid := j.seals.verify(text)
		if !valid || json.Unmarshal(text, &l) != nil || l.check() != nil {
			break
		}
		if good == 0 {
			if l.Do != doBegin || !isLabel(l.Label) {
				break
			}
			j.label = l.Label
		} else if l.Do != doBegin || len(j.open) < maxOpen {
			j.apply(l)
		}
		good += sealed
	}
	for id, f := range j.done {
		f.Earlier = true
		j.done[id] = f
	}
	return good, nil
}

// record applies a line of this process and writes it.
func (j *Journal) record(l line) {
	text, err := l.encode()
	j.mu.Lock()
	defer j.mu.Unlock()
	j.apply(l)
	j.write(text, err)
}

// encode returns the line as it is sealed and written. It returns nothing for a
// line that could not be read again: a transfer with such an ETag is not
// resumed.
func (l line) encode() ([]byte, error) {
	if l.check() != nil {
		return nil, nil
	}
	if l.Do == doDone { // there is one for each file, and encoding/json would take longer than the disk
		b := append(make([]byte, 0, 192), `{"do":"done","id":"`...)
		b = append(base64.RawURLEncoding.AppendEncode(b, l.ID[:]), `","version":"`...)
		b = append(base64.RawURLEncoding.AppendEncode(b, l.Version[:]), `","bytes":`...)
		b = append(strconv.AppendInt(b, l.Bytes, 10), `,"crc64":`...)
		b = append(strconv.AppendUint(b, l.CRC64, 10), `,"time":`...)
		return append(strconv.AppendInt(b, l.Time, 10), '}'), nil
	}
	text, err := json.Marshal(l)
	if err != nil || len(text)+sealWidth >= maxLine {
		return nil, err
	}
	return text, nil
}

// write appends a line. After a failure, such as a full disk, the journal
// continues in memory only; a later process then finds less than was done.
func (j *Journal) write(text []byte, err error) {
	if j.file == nil || j.failed != nil || len(text) == 0 && err == nil {
		return
	}
	if err == nil && j.size+int64(len(text)+sealWidth+1) > maxJournal {
		err = errors.New("the journal is full")
	}
	if err == nil {
		var n int
		n, err = j.file.Write(j.seals.seal(text))
		j.size += int64(n)
	}
	j.failed = err
}

func (j *Journal) sync() {
	j.mu.Lock()
	file := j.file
	j.mu.Unlock()
	if file != nil {
		file.Sync() //nolint:errcheck // as after a failure to write
	}
}
