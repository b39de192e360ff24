package s3

import (
	"slices"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	awss3 "github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
)

func (w *world) attributes(bucket, key string, change ...func(*awss3.GetObjectAttributesInput)) (*awss3.GetObjectAttributesOutput, error) {
	in := &awss3.GetObjectAttributesInput{Bucket: &bucket, Key: &key, ObjectAttributes: types.ObjectAttributes("").Values()}
	for _, f := range change {
		f(in)
	}
	return w.client.GetObjectAttributes(w.Context(), in)
}

func TestAttributes(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	put := w.put("plain", "k", "0123456789", func(in *awss3.PutObjectInput) { in.ChecksumAlgorithm = types.ChecksumAlgorithmSha256 })
	got, err := w.attributes("plain", "k")
	if err != nil {
		t.Fatal(err)
	}
	if quoted(*got.ETag) != *put.ETag || *got.Checksum.ChecksumSHA256 != *put.ChecksumSHA256 || got.ObjectParts != nil ||
		got.StorageClass != types.StorageClassStandard || *got.ObjectSize != 10 || !got.LastModified.Equal(w.now.get()) {
		t.Errorf("got %+v", got)
	}
	got, err = w.attributes("plain", "k", func(in *awss3.GetObjectAttributesInput) {
		in.ObjectAttributes = []types.ObjectAttributes{types.ObjectAttributesObjectSize}
	})
	if err != nil || got.ETag != nil || got.Checksum != nil || got.StorageClass != "" || *got.ObjectSize != 10 {
		t.Errorf("one attribute: %+v, %v", got, err)
	}
	_, err = w.attributes("plain", "k", func(in *awss3.GetObjectAttributesInput) { in.ObjectAttributes = []types.ObjectAttributes{"Size"} })
	w.wantCode(err, "InvalidArgument")
	_, err = w.attributes("plain", "k", func(in *awss3.GetObjectAttributesInput) { in.MaxParts = aws.Int32(-1) })
	w.wantCode(err, "InvalidArgument")
	_, err = w.attributes("plain", "none")
	w.wantCode(err, "NoSuchKey")
}

func TestAttributesOfParts(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	m := w.begin("plain", "k", func(in *awss3.CreateMultipartUploadInput) { in.ChecksumAlgorithm = types.ChecksumAlgorithmCrc32 })
	for number := range int32(3) {
		m.part(number+1, media(minPart))
	}
	if _, err := m.complete(); err != nil {
		t.Fatal(err)
	}
	var numbers []int32
	for marker := aws.String("0"); marker != nil; {
		got, err := w.attributes("plain", "k", func(in *awss3.GetObjectAttributesInput) { in.MaxParts, in.PartNumberMarker = aws.Int32(2), marker })
		if err != nil || *got.ObjectParts.TotalPartsCount != 3 || got.Checksum.ChecksumType != types.ChecksumTypeComposite {
			t.Fatalf("%+v, %v", got, err)
		}
		for _, p := range got.ObjectParts.Parts {
			if *p.Size != minPart || *p.ChecksumCRC32 != *m.parts[*p.PartNumber-1].ChecksumCRC32 {
				t.Errorf("part %d is %+v", *p.PartNumber, p)
			}
			numbers = append(numbers, *p.PartNumber)
		}
		if marker = nil; *got.ObjectParts.IsTruncated {
			marker = got.ObjectParts.NextPartNumberMarker
		}
	}
	if !slices.Equal(numbers, []int32{1, 2, 3}) {
		t.Errorf("parts %v", numbers)
	}
}

func TestAttributesNeedPermissions(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	put := w.put("versioned", "k", "x")
	w.put("kms", "k", "x")
	for _, c := range []struct {
		bucket, denied, code string
		version              *string
	}{
		{"versioned", "s3:GetObject", "AccessDenied", nil},
		{"versioned", "s3:GetObjectAttributes", "AccessDenied", nil},
		{"versioned", "s3:GetObjectVersion", "AccessDenied", put.VersionId},
		{"versioned", "s3:GetObjectVersionAttributes", "AccessDenied", put.VersionId},
		{"versioned", "s3:GetObjectAttributes", "", put.VersionId},
		{"kms", "kms:Decrypt", "AccessDenied", nil},
	} {
		w.denying(c.denied)
		_, err := w.attributes(c.bucket, "k", func(in *awss3.GetObjectAttributesInput) { in.VersionId = c.version })
		if got := codeOf(t, err); got != c.code {
			t.Errorf("without %s: %q, want %q", c.denied, got, c.code)
		}
	}
}
