package transfer

import (
	"context"
	"net/http"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
)

// S3's limits for the tags of an object.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-tagging.html
const (
	maxTags     = 10
	maxTagName  = 128 // characters
	maxTagValue = 256
	systemTags  = "aws:" // begins the names of those that only AWS gives
)

const (
	taggingHeader = "X-Amz-Tagging"
	taggingCount  = "X-Amz-Tagging-Count"
)

// copiedTags is what becomes of an object's tags in one try to copy it.
type copiedTags struct {
	withheld bool   // none are to be written
	sent     string // as a header; empty: none
	begun    bool   // S3 took them with the beginning of an upload: what it refuses then is something else
	lost     bool   // some could not be read, or are not written
}

func (t *copiedTags) areLost() bool { return t != nil && t.lost }

// taken notes that an upload began.
func (t *copiedTags) taken() {
	if t != nil {
		t.begun = true
	}
}

// takenUp notes that an earlier try's upload is gone on with, which may have
// begun without all of them.
func (t *copiedTags) takenUp(bare bool) {
	if t != nil {
		t.lost = bare
	}
}

// tagsOf asks for the tags of an object as a header's value, if its answer
// header says that it has some: S3 says so to those who may read them. Tags that
// cannot be read, or that no object of S3's has, are lost.
func tagsOf(ctx context.Context, src source, header http.Header) (tags string, lost bool, err error) {
	if count, err := strconv.Atoi(header.Get(taggingCount)); err != nil || count <= 0 {
		return "", false, nil
	}
	out, err := src.Client.GetObjectTagging(ctx, &s3.GetObjectTaggingInput{
		Bucket: aws.String(src.Name), Key: aws.String(src.Key), VersionId: optional(src.VersionID),
		ExpectedBucketOwner: src.owner(), RequestPayer: src.payer(),
	})
	switch kind := KindOf(err); {
	case err == nil:
	case kind == Denied, kind == Refused:
		return "", true, nil
	default:
		return "", false, err
	}
	tags, whole := tagging(out.TagSet)
	return tags, !whole, nil
}

// tagging writes tags as a header takes them, and tells whether those are all.
func tagging(set []types.Tag) (header string, whole bool) {
	var pairs []string
	for _, t := range set {
		name, value := aws.ToString(t.Key), aws.ToString(t.Value)
		if strings.HasPrefix(strings.ToLower(name), systemTags) {
			continue
		}
		if name == "" || !fits(name, maxTagName) || !fits(value, maxTagValue) {
			return "", false
		}
		pairs = append(pairs, escape(name)+"="+escape(value))
	}
	if header = strings.Join(pairs, "&"); len(pairs) > maxTags || len(header) > maxCarried {
		return "", false
	}
	return header, len(pairs) == len(set)
}

func fits(s string, characters int) bool {
	return utf8.ValidString(s) && utf8.RuneCountInString(s) <= characters
}
