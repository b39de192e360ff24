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

// A journal is a line of JSON for each thing that happened, sealed, each
// written at once. The first has the label.
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
	Other   []byte `json:"other,omitempty"` // sum by the function of the source's checksum
	Time    int64  `json:"time,omitempty"`  // of the file that was fetched, in nanoseconds
}

// What a line says.
const (
	doBegin  = "begin"  // a job or, with an id, a transfer
	doBare   = "bare"   // the upload is without something that the object should carry
	doUpload = "upload" // S3 began it under the id Upload
	doPart   = "part"   // it is there
	doDone   = "done"   // the transfer
	doOver   = "over"   // what it had begun is taken back
	doRenew  = "renew"  // all is to be done again
)

const (
	maxLine  = 16 << 10
	maxText  = 1 << 10 // bytes of a key, and of what a server may call an upload or a part
	maxOther = 64
	maxDir   = 4 << 10
	maxParts = 10_000
)

// check refuses what none of our lines has.
func (l line) check() error {
	ok := max(len(l.Upload), len(l.Key), len(l.Marker), len(l.ETag)) <= maxText &&
		len(l.Other) <= maxOther && len(l.Dir) <= maxDir && (l.Dir == "" || fs.ValidPath(l.Dir)) && l.Bytes >= 0 && l.Part >= 0 && l.Part <= maxParts
	if !ok {
		return errors.New("it is no line of a journal")
	}
	return nil
}

// apply follows a line. What does not fit what came before changes nothing.
func (j *Journal) apply(l line) {
	p := j.open[l.ID]
	switch l.Do {
	case doBegin:
		j.open[l.ID] = &pending{version: l.Version, key: l.Key, marker: l.Marker, dir: l.Dir, parts: map[int]Part{}}
		delete(j.done, l.ID)
	case doBare:
		if p != nil {
			p.bare = true
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
	case doOver:
		delete(j.open, l.ID)
	case doRenew:
		j.renew()
	}
}

// read follows the lines of an earlier process and gives the length of those
// that are whole and ours.
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
		text, ours := j.seals.open(text)
		if !ours || json.Unmarshal(text, &l) != nil || l.check() != nil {
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

// note follows a line of this process and writes it.
func (j *Journal) note(l line) {
	text, err := l.encode()
	j.mu.Lock()
	defer j.mu.Unlock()
	j.apply(l)
	j.write(text, err)
}

// encode gives the line as it is sealed and written, nothing for one that
// would not be read again: a server that gives such an ETag is not resumed.
func (l line) encode() ([]byte, error) {
	if l.check() != nil {
		return nil, nil
	}
	if l.Do == doDone { // one for each file: encoding/json would take longer over it than the disk
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

// write appends a line. After a failure, of a full disk say, the journal goes
// on in memory: a later process then finds less than there is.
func (j *Journal) write(text []byte, err error) {
	if j.file == nil || j.failed != nil || len(text) == 0 && err == nil {
		return
	}
	if err == nil && j.size+int64(len(text)+sealWidth+1) > maxJournal {
		err = errors.New("the journal is full")
	}
	if err == nil {
		var n int
		n, err = j.file.Write(j.seals.put(text))
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
