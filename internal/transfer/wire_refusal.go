package transfer

import (
	"encoding/xml"
	"io"
	"net/http"

	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"
)

// responseError returns the error that the AWS SDK would make of S3's answer.
// https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html
func responseError(resp *http.Response) error {
	text, err := io.ReadAll(io.LimitReader(resp.Body, answerLimit+1))
	switch {
	case err != nil:
		return &smithyhttp.RequestSendError{Err: err}
	case len(text) > answerLimit:
		return tooLong()
	}
	var answer struct {
		Code    string
		Message string
	}
	if xml.Unmarshal(removeIllegal(text), &answer) != nil || answer.Code == "" {
		answer.Code = "UnknownError" // a proxy may answer anything
	}
	id := resp.Header.Get("X-Amz-Request-Id")
	fault := smithy.FaultClient
	if resp.StatusCode >= http.StatusInternalServerError {
		fault = smithy.FaultServer
	}
	return &awshttp.ResponseError{RequestID: id, ResponseError: &smithyhttp.ResponseError{
		Response: &smithyhttp.Response{Response: resp},
		Err:      &smithy.GenericAPIError{Code: answer.Code, Message: answer.Message, Fault: fault},
	}}
}

func tooLong() error { return malformed("the answer is longer than any of S3's") }
