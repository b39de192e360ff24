package main

import (
	"bytes"
	"cmp"
	"crypto/md5" //nolint:gosec // what an ETag is
	"encoding/hex"
	"encoding/xml"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// onUpload handles the multipart operations on a path.
func (n *nullServer) onUpload(w http.ResponseWriter, r *http.Request, path string, query url.Values) {
	id := query.Get("uploadId")
	n.mu.Lock()
	upload := n.uploads[id]
	n.mu.Unlock()
	name, key, _ := strings.Cut(path, "/")
	switch {
	case r.Method == http.MethodPost && query.Has("uploads"):
		id = fmt.Sprintf("upload-%d", n.next())
		n.mu.Lock()
		n.uploads[id] = &pending{header: storedHeader(r.Header), parts: map[int]object{}}
		n.mu.Unlock()
		reply(w, fmt.Sprintf("<InitiateMultipartUploadResult><Bucket>%s</Bucket><Key>%s</Key><UploadId>%s</UploadId></InitiateMultipartUploadResult>",
			escaped(name), escaped(key), id))
	case upload == nil:
		fail(w, http.StatusNotFound, "NoSuchUpload")
	case r.Method == http.MethodPut:
		number, err := strconv.Atoi(query.Get("partNumber"))
		if err != nil {
			fail(w, http.StatusBadRequest, "InvalidArgument")
			return
		}
		if part, ok := n.receive(w, r); ok {
			n.mu.Lock()
			upload.parts[number] = part
			n.mu.Unlock()
		}
	case r.Method == http.MethodPost:
		n.complete(w, r, path, id)
	case r.Method == http.MethodDelete:
		n.mu.Lock()
		delete(n.uploads, id)
		n.mu.Unlock()
		w.WriteHeader(http.StatusNoContent)
	default:
		n.unknown(w, r)
	}
}

func (n *nullServer) complete(w http.ResponseWriter, r *http.Request, path, id string) {
	var asked struct {
		Part []struct {
			PartNumber int
			ETag       string
		}
	}
	name, key, _ := strings.Cut(path, "/")
	if err := xml.NewDecoder(r.Body).Decode(&asked); err != nil {
		fail(w, http.StatusBadRequest, "MalformedXML")
		return
	}
	if _, there := n.find(name, key); there && r.Header.Get("If-None-Match") == "*" {
		fail(w, http.StatusPreconditionFailed, "PreconditionFailed")
		return
	}
	n.mu.Lock()
	upload := n.uploads[id]
	delete(n.uploads, id)
	n.mu.Unlock()
	if upload == nil {
		fail(w, http.StatusNotFound, "NoSuchUpload")
		return
	}
	o := object{crc64: r.Header.Get("X-Amz-Checksum-Crc64nvme"), header: upload.header}
	all := md5.New() //nolint:gosec // what an ETag is
	for _, p := range asked.Part {
		part, ok := upload.parts[p.PartNumber]
		if !ok || strings.Trim(part.etag, `"`) != strings.Trim(p.ETag, `"`) {
			fail(w, http.StatusBadRequest, "InvalidPart")
			return
		}
		o.size += part.size
		sum, err := hex.DecodeString(strings.Trim(part.etag, `"`))
		if err != nil {
			sum = []byte(part.etag) // not an MD5: any value will do
		}
		all.Write(sum)
	}
	o.etag = fmt.Sprintf(`"%x-%d"`, all.Sum(nil), len(asked.Part))
	n.store(name, key, o)
	checksum := ""
	if o.crc64 != "" {
		checksum = "<ChecksumCRC64NVME>" + escaped(o.crc64) + "</ChecksumCRC64NVME><ChecksumType>FULL_OBJECT</ChecksumType>"
	}
	reply(w, fmt.Sprintf("<CompleteMultipartUploadResult><Location></Location><Bucket>%s</Bucket><Key>%s</Key><ETag>%s</ETag>%s</CompleteMultipartUploadResult>",
		escaped(name), escaped(key), escaped(o.etag), checksum))
}

// list answers with a page of ListObjectsV2. Keys need no URL encoding, so that
// the answer is the same with it and without.
func (n *nullServer) list(w http.ResponseWriter, name string, query url.Values) {
	prefix, delimiter := query.Get("prefix"), query.Get("delimiter")
	after := cmp.Or(query.Get("continuation-token"), query.Get("start-after"))
	most, err := strconv.Atoi(query.Get("max-keys"))
	if err != nil || most > 1000 {
		most = 1000
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	b := n.buckets[name]
	if b == nil {
		b = &bucket{}
	}
	if b.sorted == nil {
		b.sorted = slices.Sorted(maps.Keys(b.objects))
	}
	var entries, groups bytes.Buffer
	count, last, cut := 0, after, false
	at, _ := slices.BinarySearch(b.sorted, max(prefix, after))
	for _, key := range b.sorted[at:] {
		if !strings.HasPrefix(key, prefix) {
			break
		}
		if key <= after || delimiter != "" && strings.HasSuffix(last, delimiter) && strings.HasPrefix(key, last) && len(last) > len(prefix) {
			continue
		}
		if count == most {
			cut = true
			break
		}
		count++
		last = key
		if group, _, ok := strings.Cut(key[len(prefix):], delimiter); ok && delimiter != "" {
			last = prefix + group + delimiter
			fmt.Fprintf(&groups, "<CommonPrefixes><Prefix>%s</Prefix></CommonPrefixes>", escaped(last))
			continue
		}
		n.entry(&entries, key, b.objects[key])
	}
	token := ""
	if cut {
		token = "<NextContinuationToken>" + escaped(last) + "</NextContinuationToken>"
	}
	encoding := ""
	if query.Get("encoding-type") == "url" {
		encoding = "<EncodingType>url</EncodingType>"
	}
	reply(w, fmt.Sprintf("<ListBucketResult><Name>%s</Name><Prefix>%s</Prefix><Delimiter>%s</Delimiter><MaxKeys>%d</MaxKeys><KeyCount>%d</KeyCount><IsTruncated>%t</IsTruncated>%s%s%s%s</ListBucketResult>",
		escaped(name), escaped(prefix), escaped(delimiter), most, count, cut, encoding, token, entries.Bytes(), groups.Bytes()))
}

func (n *nullServer) entry(w *bytes.Buffer, key string, o object) {
	w.WriteString("<Contents><Key>")
	w.WriteString(escaped(key))
	w.WriteString("</Key><LastModified>2026-11-01T00:00:00.000Z</LastModified><ETag>&quot;")
	w.WriteString(strings.Trim(o.etag, `"`))
	w.WriteString("&quot;</ETag><Size>")
	w.WriteString(strconv.FormatInt(o.size, 10))
	w.WriteString("</Size><StorageClass>STANDARD</StorageClass></Contents>")
}

func (n *nullServer) listBuckets(w http.ResponseWriter) {
	n.mu.Lock()
	defer n.mu.Unlock()
	var all bytes.Buffer
	for _, name := range slices.Sorted(maps.Keys(n.buckets)) {
		fmt.Fprintf(&all, "<Bucket><Name>%s</Name><CreationDate>2026-11-01T00:00:00.000Z</CreationDate></Bucket>", escaped(name))
	}
	reply(w, "<ListAllMyBucketsResult><Owner><ID>0</ID></Owner><Buckets>"+all.String()+"</Buckets></ListAllMyBucketsResult>")
}

func reply(w http.ResponseWriter, document string) {
	w.Header()["Content-Type"] = []string{"application/xml"}
	w.Header()["Content-Length"] = []string{strconv.Itoa(len(xml.Header) + len(document))}
	io.WriteString(w, xml.Header) //nolint:errcheck // the client went away
	io.WriteString(w, document)   //nolint:errcheck // as above
}

// fail answers with an error. It leaves the connection's state to net/http,
// which closes it if a body was not read.
func fail(w http.ResponseWriter, status int, code string) {
	document := xml.Header + "<Error><Code>" + code + "</Code><Message>" + code + "</Message></Error>"
	w.Header()["Content-Type"] = []string{"application/xml"}
	w.Header()["Content-Length"] = []string{strconv.Itoa(len(document))}
	w.WriteHeader(status)
	io.WriteString(w, document) //nolint:errcheck // the client went away
}

func escaped(s string) string {
	var b strings.Builder
	xml.EscapeText(&b, []byte(s)) //nolint:errcheck // a builder cannot fail
	return b.String()
}
