package transfer

import (
	"bytes"
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
	text = removeIllegal(text)
	if err := refusalOfS3(resp, text); err != nil {
		return err
	}
	if xml.Unmarshal(text, &answer) != nil || answer.Code == "" {
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

// refusalOfS3 returns an error if an answer says that the request is at fault, but
// not as S3 does: a proxy's page must not be taken for a policy's refusal, or for
// the absence of an object. An empty one may be S3's.
func refusalOfS3(resp *http.Response, text []byte) error {
	switch status := resp.StatusCode; {
	case status < 400 || status >= 500, status == http.StatusRequestTimeout, status == http.StatusTooManyRequests:
		return nil // a proxy's, too, may pass
	case len(bytes.TrimSpace(text)) == 0:
		return nil
	}
	decoder := xml.NewDecoder(bytes.NewReader(text))
	for {
		token, err := decoder.Token()
		if err != nil {
			return malformed("the answer with status %d is not XML", resp.StatusCode)
		}
		if start, ok := token.(xml.StartElement); ok {
			if start.Name.Local == "Error" {
				return nil
			}
			return malformed("the answer with status %d is no error of S3's, but %.40q", resp.StatusCode, start.Name.Local)
		}
	}
}

func tooLong() error { return malformed("the answer is longer than any of S3's") }
