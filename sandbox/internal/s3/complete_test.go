package s3

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	awss3 "github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
)

func TestCompleteRefuses(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	big := media(minPart)
	composite := func(in *awss3.CreateMultipartUploadInput) { in.ChecksumAlgorithm = types.ChecksumAlgorithmCrc32 }
	for name, tt := range map[string]struct {
		prepare func(*multipart)
		change  func(*awss3.CompleteMultipartUploadInput)
		code    string
	}{
		"small part":   {func(m *multipart) { m.part(1, []byte("small")); m.part(2, big) }, nil, "EntityTooSmall"},
		"unknown part": {func(m *multipart) { m.part(1, big); m.parts[0].PartNumber = aws.Int32(2) }, nil, "InvalidPart"},
		"wrong ETag":   {func(m *multipart) { m.part(1, big); m.parts[0].ETag = aws.String(`"x"`) }, nil, "InvalidPart"},
		"no ETag":      {func(m *multipart) { m.part(1, big); m.parts[0].ETag = nil }, nil, "MalformedXML"},
		"wrong order": {func(m *multipart) {
			m.part(1, big)
			m.part(2, big)
			m.parts[0], m.parts[1] = m.parts[1], m.parts[0]
		}, nil, "InvalidPartOrder"},
		"no parts":         {func(*multipart) {}, nil, "MalformedXML"},
		"missing checksum": {func(m *multipart) { m.part(1, big); m.parts[0].ChecksumCRC32 = nil }, nil, "InvalidRequest"},
		"wrong checksum":   {func(m *multipart) { m.part(1, big); m.parts[0].ChecksumCRC32 = aws.String("AAAAAA==") }, nil, "InvalidPart"},
		"gap":              {func(m *multipart) { m.part(2, big) }, nil, "InvalidPartOrder"},
		"wrong whole": {
			func(m *multipart) { m.part(1, big) },
			func(in *awss3.CompleteMultipartUploadInput) { in.ChecksumCRC32 = aws.String("AAAAAA==") }, "BadDigest",
		},
		"wrong size": {
			func(m *multipart) { m.part(1, big) },
			func(in *awss3.CompleteMultipartUploadInput) { in.MpuObjectSize = aws.Int64(1) }, "InvalidRequest",
		},
		"unknown upload": {
			func(m *multipart) { m.part(1, big) },
			func(in *awss3.CompleteMultipartUploadInput) { in.UploadId = aws.String("none") }, "NoSuchUpload",
		},
		"another key": {
			func(m *multipart) { m.part(1, big) },
			func(in *awss3.CompleteMultipartUploadInput) { in.Key = aws.String("other") }, "NoSuchUpload",
		},
		"there already": {
			func(m *multipart) { m.put("plain", m.key, "x"); m.part(1, big) },
			func(in *awss3.CompleteMultipartUploadInput) { in.IfNoneMatch = aws.String("*") }, "PreconditionFailed",
		},
	} {
		t.Run(name, func(t *testing.T) {
			m := w.begin("plain", name, composite)
			tt.prepare(m)
			change := func(*awss3.CompleteMultipartUploadInput) {}
			if tt.change != nil {
				change = tt.change
			}
			_, err := m.complete(change)
			w.wantCode(err, tt.code)
			// A refused upload is still open, with all its parts.
			parts, err := w.client.ListParts(t.Context(), &awss3.ListPartsInput{Bucket: &m.bucket, Key: &m.key, UploadId: m.id})
			if err != nil || len(parts.Parts) != len(m.parts) {
				t.Errorf("after the refusal: %v, %v", parts, err)
			}
			if _, err := w.client.AbortMultipartUpload(t.Context(), &awss3.AbortMultipartUploadInput{Bucket: &m.bucket, Key: &m.key, UploadId: m.id}); err != nil {
				t.Error(err)
			}
		})
	}
	if left := w.service.Uploads("plain"); len(left) != 0 {
		t.Errorf("left open: %v", left)
	}
	w.do("DELETE", "/plain/there%20already", "")
	w.wantNoFiles()
}
