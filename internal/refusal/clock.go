package refusal

import (
	"errors"
	"fmt"
	"net/http"
	"time"

	smithyhttp "github.com/aws/smithy-go/transport/http"

	"github.com/rolecall/rolecall"
	"github.com/rolecall/rolecall/internal/awscode"
)

// WrongBy is from when on two clocks do not agree: AWS accepts a quarter of an
// hour.
const WrongBy = 5 * time.Minute

// Ahead returns by how much the clock here is ahead of the server's that sent the
// answer in err's chain; it is false where that does not say.
func Ahead(err error) (time.Duration, bool) {
	var answer *smithyhttp.ResponseError
	if !errors.As(err, &answer) || answer.Response == nil || answer.Response.Response == nil {
		return 0, false
	}
	return AheadOf(answer.Response.Header)
}

// AheadOf returns by how much the clock here is ahead of a server's that sent the
// header; it is false where that does not say.
func AheadOf(header http.Header) (time.Duration, bool) {
	there, err := http.ParseTime(header.Get("Date"))
	return time.Since(there), err == nil
}

// wrongTime is found where a server does not accept the time of requests. They
// were signed by its own clock, where it tells that.
func (a Answer) wrongTime(q Request) Refusal {
	ahead, dated := Ahead(a.Err)
	switch {
	case q.Place.EndpointURL != "":
		why := "though they follow its clock"
		if !dated {
			why = "and does not tell its own"
		}
		return of(rolecall.Unauthenticated, fmt.Sprintf("the server of the bucket %q does not accept the time of requests, %s", q.Place.Bucket, why),
			"Customer: set the clock of the service at s3_endpoint_url, and keep it right by NTP", rolecall.LayerName, rolecall.LayerPrincipal)
	case dated && ahead.Abs() < WrongBy:
		return of(rolecall.Unavailable, "S3 does not accept the time of a request, though its clock and the worker's agree",
			"You: run it again. Operator: if it stays so, look for a proxy that holds requests back", rolecall.LayerNetwork)
	default:
		return of(rolecall.Unauthenticated, awscode.WrongClock, awscode.WrongClockHint, rolecall.LayerPrincipal)
	}
}
