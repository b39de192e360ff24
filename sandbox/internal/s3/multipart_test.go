package s3

import (
	"bytes"
	"context"
	"fmt"
	"hash/crc32"
	"io"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	awss3 "github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
)

// multipart is an upload under test.
type multipart struct {
	*world
	bucket, key string
	id          *string
	algorithm   types.ChecksumAlgorithm
	parts       []types.CompletedPart
}

func (w *world) begin(bucket, key string, change ...func(*awss3.CreateMultipartUploadInput)) *multipart {
	w.Helper()
	in := &awss3.CreateMultipartUploadInput{Bucket: &bucket, Key: &key}
	for _, f := range change {
		f(in)
	}
	out, err := w.client.CreateMultipartUpload(context.Background(), in)
	if err != nil {
		w.Fatal(err)
	}
	return &multipart{world: w, bucket: bucket, key: key, id: out.UploadId, algorithm: out.ChecksumAlgorithm}
}

func (m *multipart) part(number int32, data []byte) {
	m.Helper()
	out, err := m.client.UploadPart(context.Background(), &awss3.UploadPartInput{
		Bucket: &m.bucket, Key: &m.key, UploadId: m.id, PartNumber: &number, Body: bytes.NewReader(data), ChecksumAlgorithm: m.algorithm,
	})
	if err != nil {
		m.Fatalf("part %d: %v", number, err)
	}
	m.parts = append(m.parts, types.CompletedPart{
		PartNumber: &number, ETag: out.ETag, ChecksumCRC32: out.ChecksumCRC32, ChecksumCRC32C: out.ChecksumCRC32C,
		ChecksumCRC64NVME: out.ChecksumCRC64NVME, ChecksumSHA1: out.ChecksumSHA1, ChecksumSHA256: out.ChecksumSHA256,
	})
}

func (m *multipart) complete(change ...func(*awss3.CompleteMultipartUploadInput)) (*awss3.CompleteMultipartUploadOutput, error) {
	in := &awss3.CompleteMultipartUploadInput{
		Bucket: &m.bucket, Key: &m.key, UploadId: m.id, MultipartUpload: &types.CompletedMultipartUpload{Parts: m.parts},
	}
	for _, f := range change {
		f(in)
	}
	return m.client.CompleteMultipartUpload(context.Background(), in)
}

// media returns n bytes that differ from place to place.
func media(n int) []byte {
	data := make([]byte, n)
	r := rand.NewChaCha8([32]byte{7})
	r.Read(data) //nolint:errcheck // never fails
	return data
}

func TestMultipart(t *testing.T) {
	t.Parallel()
	for _, algorithm := range types.ChecksumAlgorithm("").Values() {
		if !slices.Contains(algorithms, string(algorithm)) {
			continue
		}
		for _, kind := range []types.ChecksumType{types.ChecksumTypeComposite, types.ChecksumTypeFullObject} {
			t.Run(fmt.Sprint(algorithm, kind), func(t *testing.T) {
				t.Parallel()
				testMultipart(t, algorithm, kind)
			})
		}
	}
}

func testMultipart(t *testing.T, algorithm types.ChecksumAlgorithm, kind types.ChecksumType) {
	w := newWorld(t)
	declare := func(in *awss3.CreateMultipartUploadInput) { in.ChecksumAlgorithm, in.ChecksumType = algorithm, kind }
	sha := strings.HasPrefix(string(algorithm), "SHA")
	if sha && kind == types.ChecksumTypeFullObject || algorithm == types.ChecksumAlgorithmCrc64nvme && kind == types.ChecksumTypeComposite {
		in := &awss3.CreateMultipartUploadInput{Bucket: aws.String("plain"), Key: aws.String("k")}
		declare(in)
		_, err := w.client.CreateMultipartUpload(t.Context(), in)
		w.wantCode(err, "InvalidRequest")
		return
	}
	data := media(2*minPart + 17)
	m := w.begin("plain", "k", declare)
	m.part(2, data[minPart:2*minPart])
	m.part(1, []byte("to be replaced"))
	m.parts = m.parts[:1]
	m.part(1, data[:minPart])
	m.parts[0], m.parts[1] = m.parts[1], m.parts[0]
	m.part(3, data[2*minPart:])
	out, err := m.complete()
	if err != nil {
		t.Fatal(err)
	}
	if out.ChecksumType != kind {
		t.Errorf("type %s", out.ChecksumType)
	}
	if !strings.HasSuffix(*out.ETag, `-3"`) {
		t.Errorf("ETag %s", *out.ETag)
	}
	if algorithm == types.ChecksumAlgorithmCrc32 && kind == types.ChecksumTypeFullObject {
		whole := crc32.NewIEEE()
		whole.Write(data)
		if *out.ChecksumCRC32 != encodeSum(whole) {
			t.Errorf("CRC32 of the object is %s, not %s", *out.ChecksumCRC32, encodeSum(whole))
		}
	}
	got, err := w.client.GetObject(t.Context(), &awss3.GetObjectInput{
		Bucket: aws.String("plain"), Key: aws.String("k"), ChecksumMode: types.ChecksumModeEnabled,
	})
	if err != nil {
		t.Fatal(err)
	}
	back, err := io.ReadAll(got.Body) // the client holds full-object checksums
	if err != nil || !bytes.Equal(back, data) {
		t.Errorf("%d bytes came back, %v", len(back), err)
	}
	part, err := w.client.GetObject(t.Context(), &awss3.GetObjectInput{
		Bucket: aws.String("plain"), Key: aws.String("k"), PartNumber: aws.Int32(2), ChecksumMode: types.ChecksumModeEnabled,
	})
	if err != nil {
		t.Fatal(err)
	}
	back, err = io.ReadAll(part.Body)
	if err != nil || !bytes.Equal(back, data[minPart:2*minPart]) || aws.ToInt32(part.PartsCount) != 3 {
		t.Errorf("part 2: %d bytes, %v, of %v", len(back), err, part.PartsCount)
	}
	across, body := w.do("GET", "/plain/k", "", "Range", fmt.Sprintf("bytes=%d-%d", minPart-3, 2*minPart+2))
	if across.StatusCode != 206 || body != string(data[minPart-3:2*minPart+3]) {
		t.Errorf("a range across parts: %d, %d bytes", across.StatusCode, len(body))
	}
	w.do("DELETE", "/plain/k", "")
	w.wantNoFiles()
}

func TestUploadPartHoldsTheChecksumType(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	const crc, body = "NhCmhg==", "hello"
	for name, tt := range map[string]struct {
		create, part []string
		message      string
	}{
		"none declared, one sent":   {nil, []string{"x-amz-checksum-crc32", crc}, ""},
		"none declared, wrong sent": {nil, []string{"x-amz-checksum-crc32", "AAAAAA=="}, "BadDigest"},
		"declared, none sent": {
			[]string{"x-amz-checksum-algorithm", "CRC32"},
			nil,
			"Checksum Type mismatch occurred, expected checksum Type: crc32, actual checksum Type: null",
		},
		"another sent": {
			[]string{"x-amz-checksum-algorithm", "SHA256"},
			[]string{"x-amz-checksum-crc32", crc},
			"Checksum Type mismatch occurred, expected checksum Type: sha256, actual checksum Type: crc32",
		},
		"full object, none sent": {[]string{"x-amz-checksum-algorithm", "CRC32", "x-amz-checksum-type", "FULL_OBJECT"}, nil, ""},
		"neither":                {nil, nil, ""},
		"both":                   {[]string{"x-amz-checksum-algorithm", "CRC32"}, []string{"x-amz-checksum-crc32", crc}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			_, created := w.do("POST", "/plain/"+strings.ReplaceAll(name, " ", "-")+"?uploads", "", tt.create...)
			_, id, _ := strings.Cut(created, "<UploadId>")
			id, _, _ = strings.Cut(id, "</UploadId>")
			answer, text := w.do("PUT", "/plain/"+strings.ReplaceAll(name, " ", "-")+"?partNumber=1&uploadId="+id, body, tt.part...)
			if (answer.StatusCode == 200) != (tt.message == "") || !strings.Contains(text, tt.message) {
				t.Errorf("%d %s", answer.StatusCode, text)
			}
		})
	}
}

// S3 knows these checksums and those that are refused, no others.
func TestAllAlgorithmsAreTakenOrRefused(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	known := slices.Concat(algorithms, unsupported)
	for _, algorithm := range types.ChecksumAlgorithm("").Values() {
		if !slices.Contains(known, string(algorithm)) {
			t.Errorf("%s is neither", algorithm)
		}
		header := "x-amz-checksum-" + strings.ToLower(string(algorithm))
		answer, _ := w.do("PUT", "/plain/k", "hello", header, "AAAA")
		if answer.StatusCode == 200 {
			t.Errorf("a wrong %s is stored", header)
		}
		m := w.begin("plain", "k")
		for target, method := range map[string]string{"/plain/k?partNumber=1&uploadId=" + *m.id: "PUT", "/plain?delete": "POST", "/plain?policy": "PUT"} {
			if answer, body := w.do(method, target, "hello", header, "AAAA"); answer.StatusCode < 400 {
				t.Errorf("a wrong %s is taken by %s: %s", header, target, body)
			}
		}
	}
}

func TestAbandonedPartsAreRemoved(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	m := w.begin("plain", "k")
	for number := range int32(4) {
		m.part(number+1, []byte("part"))
	}
	w.do("DELETE", "/plain/k?uploadId="+*m.id, "")
	w.wantNoFiles()
	answer, _ := w.do("DELETE", "/plain/k?uploadId="+*m.id, "")
	if answer.StatusCode != 404 {
		t.Errorf("a second abort: %d", answer.StatusCode)
	}
}

func TestListParts(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	m := w.begin("plain", "k")
	for n := range int32(5) {
		m.part(n+1, []byte("part"))
	}
	var got []int32
	pager := awss3.NewListPartsPaginator(w.client, &awss3.ListPartsInput{Bucket: &m.bucket, Key: &m.key, UploadId: m.id, MaxParts: aws.Int32(2)})
	pages := 0
	for ; pager.HasMorePages(); pages++ {
		page, err := pager.NextPage(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range page.Parts {
			got = append(got, *p.PartNumber)
		}
	}
	if pages != 3 || fmt.Sprint(got) != "[1 2 3 4 5]" {
		t.Errorf("%v in %d pages", got, pages)
	}
	if uploads := w.service.Uploads("plain"); len(uploads) != 1 || uploads[0].Parts != 5 || uploads[0].Key != "k" {
		t.Errorf("open: %v", uploads)
	}
}

func TestUploadPartCopy(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	data := media(minPart + 100)
	w.put("second", "src", string(data))
	m := w.begin("plain", "k")
	copyPart := func(number int32, span string) error {
		out, err := w.client.UploadPartCopy(context.Background(), &awss3.UploadPartCopyInput{
			Bucket: &m.bucket, Key: &m.key, UploadId: m.id, PartNumber: &number,
			CopySource: aws.String("second/src"), CopySourceRange: aws.String(span),
		})
		if err == nil {
			m.parts = append(m.parts, types.CompletedPart{PartNumber: &number, ETag: out.CopyPartResult.ETag, ChecksumCRC32: out.CopyPartResult.ChecksumCRC32})
		}
		return err
	}
	w.wantCode(copyPart(1, fmt.Sprintf("bytes=0-%d", minPart-1)), "")
	w.wantCode(copyPart(2, fmt.Sprintf("bytes=%d-%d", minPart, minPart+99)), "")
	w.wantCode(copyPart(3, fmt.Sprintf("bytes=%d-%d", minPart, minPart+100)), "InvalidArgument")
	w.wantCode(copyPart(3, "bytes=0-"), "InvalidArgument")
	_, err := w.client.UploadPartCopy(t.Context(), &awss3.UploadPartCopyInput{
		Bucket: &m.bucket, Key: &m.key, UploadId: m.id, PartNumber: aws.Int32(1), CopySource: aws.String("second/src"), CopySourceIfMatch: aws.String(`"x"`),
	})
	w.wantCode(err, "PreconditionFailed")
	if _, err := m.complete(); err != nil {
		t.Fatal(err)
	}
	if w.get("plain", "k") != string(data) {
		t.Error("the copy differs")
	}
}
