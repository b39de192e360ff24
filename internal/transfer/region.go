package transfer

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	smithyhttp "github.com/aws/smithy-go/transport/http"
)

// RegionQuestion asks for the region of a bucket.
type RegionQuestion struct {
	Bucket   string
	Endpoint string     // a URL; empty: AWS's
	Home     string     // a region of the partition, to which the request is sent
	HTTP     HTTPClient // see ClientOptions
	Limits   *Limits    // likewise
	// Patient retries as often as a transfer does, for about half a minute.
	// Someone at a terminal would rather learn of a wrong name at once.
	Patient bool
}

// RegionOf returns a bucket's region, which S3 reports to everyone in a header
// of its answer to HeadBucket, refusals and redirects included. It returns an
// empty string if the server reports no region, and an *Error if there is no
// such bucket or no answer.
// https://docs.aws.amazon.com/AmazonS3/latest/API/API_HeadBucket.html
func RegionOf(ctx context.Context, q RegionQuestion) (string, error) {
	options := s3.Options{Credentials: aws.AnonymousCredentials{}, Region: q.Home, UsePathStyle: q.Endpoint != "", HTTPClient: watchedClient{q.HTTP}}
	if q.Limits != nil {
		options.HTTPClient = boundedClient{options.HTTPClient, q.Limits}
	}
	if q.Endpoint != "" {
		options.BaseEndpoint = &q.Endpoint
	}
	if q.Patient {
		options.Retryer = newRetryer(options.Credentials, 0)
	}
	began := time.Now()
	out, err := s3.New(options).HeadBucket(ctx, &s3.HeadBucketInput{Bucket: &q.Bucket})
	var region string
	var answer *smithyhttp.ResponseError
	var send *smithyhttp.RequestSendError // the SDK wraps it in an answer of status 0
	switch {
	case err == nil:
		region = aws.ToString(out.BucketRegion)
	case !errors.As(err, &answer), errors.As(err, &send):
		return "", q.unanswered(Unreachable, began, err)
	case answer.HTTPStatusCode() >= http.StatusInternalServerError:
		return "", q.unanswered(Unavailable, began, err)
	default:
		region = answer.Response.Header.Get("X-Amz-Bucket-Region")
		if region == "" && answer.HTTPStatusCode() == http.StatusNotFound {
			return "", &Error{Op: "head", Bucket: q.Bucket, Kind: NoBucket, Err: err}
		}
	}
	if !isRegion(region) {
		return "", nil
	}
	return region, nil
}

func (q RegionQuestion) unanswered(kind Kind, began time.Time, err error) error {
	if known := kindOf(err); known == Stalled || known == Malformed || known == NoTLS {
		kind = known
	}
	e := &Error{Op: "head", Bucket: q.Bucket, Kind: kind, Err: err}
	var spent *retry.MaxAttemptsError
	if errors.As(err, &spent) {
		e.Attempts, e.Took = spent.Attempt, time.Since(began)
	}
	return e
}

// isRegion reports whether s looks like a region. Only then may a server's
// answer become part of a host name or a policy.
func isRegion(s string) bool {
	return len(s) <= 32 && strings.Count(s, "-") >= 2 && strings.Trim(s, "abcdefghijklmnopqrstuvwxyz0123456789-") == ""
}
