package s3

import (
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	awss3 "github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
)

// What UploadPart answers can be repeated when the upload is completed, and
// nothing is answered that the client did not ask for, whether the upload
// names an algorithm or not.
func TestChecksumsOfPartsCanBeRepeated(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	sums := map[string]string{
		"": "", "CRC32": "NhCmhg==", "CRC32C": "mnG7TA==", "CRC64NVME": "M3eFcAZSQlc=", "SHA1": "qvTGHdzF6KLavt4PO0gs2a6pQ00=",
		"SHA256": "LPJNul+wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ=",
	}
	for sent, sum := range sums {
		for _, declared := range []string{"", sent} {
			key := "k" + sent + declared
			var declare, header []string
			if declared != "" {
				declare = []string{"x-amz-checksum-algorithm", declared}
			}
			if sent != "" {
				header = []string{"x-amz-checksum-" + strings.ToLower(sent), sum}
			}
			_, created := w.do("POST", "/plain/"+key+"?uploads", "", declare...)
			id := inside(created, "UploadId")
			answer, text := w.do("PUT", "/plain/"+key+"?partNumber=1&uploadId="+id, "hello", header...)
			if answer.StatusCode != 200 {
				t.Fatalf("%s, declared %q: %d %s", sent, declared, answer.StatusCode, text)
			}
			part := "<PartNumber>1</PartNumber><ETag>" + answer.Header.Get("ETag") + "</ETag>"
			for name, values := range answer.Header {
				short, ok := strings.CutPrefix(strings.ToUpper(name), "X-AMZ-CHECKSUM-")
				if !ok {
					continue
				}
				if short != sent || values[0] != sum {
					t.Errorf("sent %q, answered %s: %s", sent, name, values)
				}
				part += "<Checksum" + short + ">" + values[0] + "</Checksum" + short + ">"
			}
			if sent != "" && !strings.Contains(part, "<Checksum") {
				t.Errorf("the checksum %s is not answered", sent)
			}
			_, listed := w.do("GET", "/plain/"+key+"?uploadId="+id, "")
			if strings.Contains(listed, "<Checksum") != (declared != "") {
				t.Errorf("declared %q, and ListParts has %s", declared, listed)
			}
			document := func(part string) string {
				return "<CompleteMultipartUpload><Part>" + part + "</Part></CompleteMultipartUpload>"
			}
			if sent != "" {
				wrong := strings.Replace(part, sum, strings.Repeat("A", len(strings.TrimRight(sum, "=")))+strings.Repeat("=", strings.Count(sum, "=")), 1)
				if answer, text := w.do("POST", "/plain/"+key+"?uploadId="+id, document(wrong)); answer.StatusCode != 400 || inside(text, "Code") != "InvalidPart" {
					t.Errorf("a wrong %s: %d %s", sent, answer.StatusCode, text)
				}
			}
			if answer, text := w.do("POST", "/plain/"+key+"?uploadId="+id, document(part)); answer.StatusCode != 200 {
				t.Errorf("sent %q, declared %q: %d %s", sent, declared, answer.StatusCode, text)
			}
		}
	}
}

// inside returns what is in the first element of that name.
func inside(document, name string) string {
	_, rest, _ := strings.Cut(document, "<"+name+">")
	value, _, _ := strings.Cut(rest, "</"+name+">")
	return value
}

// The checksum of the whole object may come in the form that S3 shows, of the
// type that the upload has.
func TestChecksumOfTheWholeObject(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	const none = types.ChecksumAlgorithm("")
	for _, c := range []struct {
		name      string
		algorithm types.ChecksumAlgorithm
		kind      types.ChecksumType
		claim     func(*awss3.CompleteMultipartUploadInput)
		code      string
	}{
		{"composite", "SHA256", "", func(in *awss3.CompleteMultipartUploadInput) { in.ChecksumSHA256 = aws.String(wholeSHA256 + "-2") }, ""},
		{"composite, without the count", "SHA256", "", func(in *awss3.CompleteMultipartUploadInput) { in.ChecksumSHA256 = aws.String(wholeSHA256) }, ""},
		{"composite, said", "SHA256", "", func(in *awss3.CompleteMultipartUploadInput) {
			in.ChecksumSHA256, in.ChecksumType = aws.String(wholeSHA256+"-2"), "COMPOSITE"
		}, ""},
		{"composite, another count", "SHA256", "", func(in *awss3.CompleteMultipartUploadInput) { in.ChecksumSHA256 = aws.String(wholeSHA256 + "-3") }, "BadDigest"},
		{"composite, no count", "SHA256", "", func(in *awss3.CompleteMultipartUploadInput) { in.ChecksumSHA256 = aws.String(wholeSHA256 + "-x") }, "BadDigest"},
		{"composite, of other bytes", "SHA256", "", func(in *awss3.CompleteMultipartUploadInput) {
			in.ChecksumSHA256 = aws.String(strings.Repeat("A", 43) + "=-2")
		}, "BadDigest"},
		{"not a checksum", "SHA256", "", func(in *awss3.CompleteMultipartUploadInput) { in.ChecksumSHA256 = aws.String("bad-2") }, "InvalidRequest"},
		{"composite as full", "SHA256", "", func(in *awss3.CompleteMultipartUploadInput) { in.ChecksumType = "FULL_OBJECT" }, "InvalidRequest"},
		{"composite CRC as full", "CRC32", "COMPOSITE", func(in *awss3.CompleteMultipartUploadInput) {
			in.ChecksumCRC32, in.ChecksumType = aws.String(wholeCRC32), "FULL_OBJECT"
		}, "InvalidRequest"},
		{"full as composite", "CRC32", "FULL_OBJECT", func(in *awss3.CompleteMultipartUploadInput) { in.ChecksumType = "COMPOSITE" }, "InvalidRequest"},
		{"unknown type", "CRC32", "FULL_OBJECT", func(in *awss3.CompleteMultipartUploadInput) { in.ChecksumType = "HALF" }, "InvalidRequest"},
		{"full", "CRC32", "FULL_OBJECT", func(in *awss3.CompleteMultipartUploadInput) {
			in.ChecksumCRC32, in.ChecksumType = aws.String(wholeCRC32), "FULL_OBJECT"
		}, ""},
		{"full, wrong", "CRC32", "FULL_OBJECT", func(in *awss3.CompleteMultipartUploadInput) { in.ChecksumCRC32 = aws.String("AAAAAA==") }, "BadDigest"},
		{"none declared, linear", none, "", func(in *awss3.CompleteMultipartUploadInput) { in.ChecksumCRC32 = aws.String(wholeCRC32) }, ""},
		{"none declared, wrong", none, "", func(in *awss3.CompleteMultipartUploadInput) { in.ChecksumCRC32C = aws.String(wholeCRC32) }, "BadDigest"},
		{"none declared, not linear", none, "", func(in *awss3.CompleteMultipartUploadInput) { in.ChecksumSHA256 = aws.String(wholeSHA256) }, "BadDigest"},
		{"none declared, full", none, "", func(in *awss3.CompleteMultipartUploadInput) { in.ChecksumType = "FULL_OBJECT" }, ""},
		{"none declared, composite", none, "", func(in *awss3.CompleteMultipartUploadInput) { in.ChecksumType = "COMPOSITE" }, "InvalidRequest"},
	} {
		m := w.begin("plain", c.name, func(in *awss3.CreateMultipartUploadInput) {
			in.ChecksumAlgorithm, in.ChecksumType = c.algorithm, c.kind
		})
		data := media(minPart + 5)
		m.part(1, data[:minPart])
		m.part(2, data[minPart:])
		out, err := m.complete(c.claim)
		if got := codeOf(t, err); got != c.code {
			t.Errorf("%s: %q, want %q (%v)", c.name, got, c.code, err)
		}
		if c.name == "none declared, linear" && aws.ToString(out.ChecksumCRC32) != wholeCRC32 {
			t.Errorf("%s: %v", c.name, out.ChecksumCRC32)
		}
	}
}

// The checksums of the object of TestChecksumOfTheWholeObject.
const (
	wholeSHA256 = "DhJNiTH6z+pP2LKWE1qCmUCIH5QCL9+9RahMIoGcOw8="
	wholeCRC32  = "bLpxCQ=="
)

// A client whose answer was lost asks again, and hears the same.
func TestCompleteAgain(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, bucket := range []string{"plain", "versioned", "kms"} {
		m := w.begin(bucket, "k", func(in *awss3.CreateMultipartUploadInput) { in.ChecksumAlgorithm = "SHA256" })
		m.part(1, []byte("hello"))
		first, err := m.complete()
		if err != nil {
			t.Fatal(err)
		}
		w.put(bucket, "k", "overwritten since")
		again, err := m.complete()
		if err != nil {
			t.Fatalf("%s: %v", bucket, err)
		}
		again.ResultMetadata = first.ResultMetadata
		if aws.ToString(again.ETag) != *first.ETag || aws.ToString(again.VersionId) != aws.ToString(first.VersionId) ||
			aws.ToString(again.ChecksumSHA256) != *first.ChecksumSHA256 || again.ServerSideEncryption != first.ServerSideEncryption {
			t.Errorf("%s: first %+v, again %+v", bucket, first, again)
		}
		if got := w.get(bucket, "k"); got != "overwritten since" {
			t.Errorf("%s: the object is %q", bucket, got)
		}
		_, err = m.complete(func(in *awss3.CompleteMultipartUploadInput) {
			parts := slices.Clone(m.parts)
			parts[0].ETag = aws.String("another")
			in.MultipartUpload.Parts = parts
		})
		w.wantCode(err, "NoSuchUpload")
		w.denying("s3:PutObject")
		_, err = m.complete()
		w.wantCode(err, "AccessDenied")
		w.denying()
		if left := w.service.Uploads(bucket); len(left) != 0 {
			t.Errorf("%s: still open: %v", bucket, left)
		}
		_, err = w.client.ListParts(t.Context(), &awss3.ListPartsInput{Bucket: &m.bucket, Key: &m.key, UploadId: m.id})
		w.wantCode(err, "NoSuchUpload")
	}
}

// Not all completed uploads are remembered for ever.
func TestCompletedUploadsAreForgotten(t *testing.T) {
	t.Parallel()
	b := &bucket{completed: map[string]*upload{}}
	for range maxCompleted + 5 {
		b.remember(&upload{id: newID(8)}, &completion{})
	}
	if len(b.completed) != maxCompleted || len(b.completedIDs) != maxCompleted {
		t.Errorf("%d and %d are remembered", len(b.completed), len(b.completedIDs))
	}
}

// Requests that complete an upload at the same time all get its object.
func TestCompleteAtTheSameTime(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	data := media(minPart) // reading it again takes a while
	for range 3 {
		m := w.begin("plain", "k")
		m.part(1, data)
		etags := make([]string, 8)
		var clients sync.WaitGroup
		for i := range etags {
			clients.Go(func() {
				if out, err := m.complete(); err != nil {
					t.Error(err)
				} else {
					etags[i] = *out.ETag
				}
			})
		}
		clients.Wait()
		if got := slices.Compact(etags); len(got) != 1 || got[0] == "" {
			t.Fatalf("got %q", got)
		}
	}
}

// Quotes are no part of an ETag: a request that is repeated without them, or with
// others, is the same. Numbers of parts have both limits in their messages.
func TestCompleteInOtherQuotes(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	_, created := w.do("POST", "/plain/k?uploads", "")
	id := inside(created, "UploadId")
	answer, _ := w.do("PUT", "/plain/k?partNumber=1&uploadId="+id, "hello")
	etag := strings.Trim(answer.Header.Get("ETag"), `"`)
	complete := func(number, etag string) (int, string) {
		answer, text := w.do("POST", "/plain/k?uploadId="+id, "<CompleteMultipartUpload><Part><PartNumber>"+number+"</PartNumber><ETag>"+etag+"</ETag></Part></CompleteMultipartUpload>")
		return answer.StatusCode, text
	}
	for number, message := range map[string]string{"0": "PartNumber must be &gt;= 1", "10001": "Part number must be an integer between 1 and 10000, inclusive"} {
		if status, text := complete(number, etag); status != 400 || !strings.Contains(text, message) {
			t.Errorf("part %s: %d %s", number, status, text)
		}
	}
	for _, written := range []string{`"` + etag + `"`, etag, "&quot;" + etag + "&quot;", " " + etag} {
		if status, text := complete("1", written); status != 200 {
			t.Errorf("%q: %d %s", written, status, text)
		}
	}
	if status, text := complete("1", strings.Repeat("0", 32)); status != 404 {
		t.Errorf("another ETag: %d %s", status, text)
	}
}
