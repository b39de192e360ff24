package transfer

import (
	"context"
	"net/http"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/rolecall/rolecall/internal/journal"
)

// S3's limits for the tags of an object.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-tagging.html
const (
	maxTags     = 10
	maxTagName  = 128 // characters
	maxTagValue = 256
	systemTags  = "aws:" // prefix of names that only AWS can set
)

const (
	taggingHeader = "X-Amz-Tagging"
	taggingCount  = "X-Amz-Tagging-Count"
)

// copiedTags is the state of an object's tags in one attempt to copy it.
type copiedTags struct {
	withheld bool   // no tags are written
	sent     string // the header's value; empty: none
	accepted bool   // S3 accepted them when the upload began: a later refusal has another reason
	lost     bool   // some cannot be read or written
}

func (t *copiedTags) anyLost() bool { return t != nil && t.lost }

// accept records that an upload began with the tags.
func (t *copiedTags) accept() {
	if t != nil {
		t.accepted = true
	}
}

// resumed records that an earlier attempt's upload is resumed, which may have
// begun without all tags.
func (t *copiedTags) resumed(u journal.Unfinished) {
	if t != nil {
		t.lost = u.TagsLost
	}
}

// tagsOf returns the tags of an object as a header's value. It requests them
// only if the header of the object's answer has a count of them, which S3 sends
// to those who may read them. Lost reports that tags cannot be read, or are
// invalid in S3.
func tagsOf(ctx context.Context, src source, header http.Header) (tags string, lost bool, err error) {
	if count, err := strconv.Atoi(header.Get(taggingCount)); err != nil || count <= 0 {
		return "", false, nil
	}
	out, err := getTags(ctx, src)
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

func getTags(ctx context.Context, src source, options ...func(*s3.Options)) (*s3.GetObjectTaggingOutput, error) {
	return src.Client.GetObjectTagging(ctx, &s3.GetObjectTaggingInput{
		Bucket: aws.String(src.Name), Key: aws.String(src.Key), VersionId: optional(src.VersionID),
		ExpectedBucketOwner: src.owner(), RequestPayer: src.payer(),
	}, options...)
}

// hidesTags reports whether the source's role may not read tags. S3 sends it no
// count of them then, as if there were none. That is found out by one request,
// after the first copy without a count; what does not answer soon is not waited
// for.
func hidesTags(ctx context.Context, src source) bool {
	if !src.Client.denied.first(denial{"read tags", src.Name, ""}) {
		return false
	}
	ctx, cancel := context.WithTimeout(ctx, hidesTagsTime)
	defer cancel()
	_, err := getTags(ctx, src, func(o *s3.Options) { o.Retryer = aws.NopRetryer{} })
	return KindOf(err) == Denied
}

const hidesTagsTime = 5 * time.Second

// tagging encodes tags as a header's value, and reports whether it has all of
// them.
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
	if header = strings.Join(pairs, "&"); len(pairs) > maxTags || len(header) > maxHeaderBytes {
		return "", false
	}
	return header, len(pairs) == len(set)
}

func fits(s string, characters int) bool {
	return utf8.ValidString(s) && utf8.RuneCountInString(s) <= characters
}
