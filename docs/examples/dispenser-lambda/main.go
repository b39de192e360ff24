// Command dispenser-lambda is the dispenser as an AWS Lambda function, behind a
// REST API of API Gateway whose method requires IAM authorization: the gateway
// verifies the vendor's signature and passes the caller's ARN. Nothing else may
// be allowed to invoke the function, since it trusts that ARN.
//
// docs/dispenser.md describes how to build and deploy it; template.yaml has
// everything that it needs.
package main

import (
	"context"
	"log/slog"
	"net/url"
	"os"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-lambda-go/lambda"

	"github.com/rolecall/rolecall/internal/dispenser"
)

// configFile is in the function's archive, beside the program.
const configFile = "dispenser.yaml"

func main() {
	log := slog.New(slog.NewJSONHandler(os.Stderr, nil))
	h, err := open(configFile, os.Getenv, log)
	if err != nil {
		log.Error("the config is not usable", "error", err)
		os.Exit(1)
	}
	lambda.Start(h.answer)
}

type handler struct{ *dispenser.Dispenser }

func open(path string, getenv func(string) string, log *slog.Logger) (handler, error) {
	cfg, err := dispenser.Load(path, getenv)
	if err != nil {
		return handler{}, err
	}
	d, err := dispenser.New(cfg, dispenser.Options{Log: log})
	return handler{d}, err
}

// answer answers one request of the gateway.
func (h handler) answer(ctx context.Context, event events.APIGatewayProxyRequest) (events.APIGatewayProxyResponse, error) {
	a := h.Answer(ctx, dispenser.Ask{
		Query: url.Values(event.MultiValueQueryStringParameters),
		From:  event.RequestContext.Identity.SourceIP,
		// Without IAM authorization the gateway passes no ARN, and the caller is
		// refused.
		Caller: func(context.Context) (string, error) { return h.Principal(event.RequestContext.Identity.UserArn) },
	})
	return events.APIGatewayProxyResponse{
		StatusCode: a.Status, Body: string(a.Body),
		Headers: map[string]string{"Content-Type": "application/json", "Cache-Control": "no-store"},
	}, nil
}
