package client_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"

	"github.com/rolecall/rolecall"
	"github.com/rolecall/rolecall/client"
)

// A customer is connected: the organization, its connection, the policies for
// the customer's admin, and a check whose steps are shown as they end.
func Example() {
	service := pretended() // in place of rolecall serve
	defer service.Close()
	ctx := context.Background()
	c, err := client.New(client.Options{URL: service.URL, Token: "rco_ours"})
	if err != nil {
		fmt.Println(err)
		return
	}

	acme, err := c.CreateOrganization(ctx, client.NewOrganization{APIName: "acme", Name: "Acme Studios"})
	if err != nil && !errors.Is(err, &rolecall.Error{Code: rolecall.Conflict}) { // it is there already
		fmt.Println(err)
		return
	}
	fmt.Println("the external id is", acme.ExternalID)
	if _, err := c.PutConnection(ctx, "acme", "masters", rolecall.Connection{
		Purpose: rolecall.Source, Bucket: "acme-masters", Region: "eu-central-1", RoleARN: "arn:aws:iam::111122223333:role/media",
	}, 0); err != nil {
		fmt.Println(err)
		return
	}
	script, err := c.Policies(ctx, "acme", "masters", client.PoliciesRequest{Format: "cli"}) // for the customer's admin to run
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Printf("%s\n", script)

	begun, err := c.StartCheck(ctx, "acme", "masters", client.NewCheck{})
	if err != nil {
		fmt.Println(err)
		return
	}
	ended, err := c.WatchCheck(ctx, "acme", "masters", begun.ID, func(s rolecall.CheckStep) { fmt.Println(s.Step, s.Result) })
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println("the check:", *ended.Result)
	// Output:
	// the external id is x-42
	// aws iam create-role …
	// arn pass
	// the check: pass
}

// pretended answers as rolecall serve does.
func pretended() *httptest.Server {
	mux := http.NewServeMux()
	const connection = "/api/o/acme/connections/masters"
	for pattern, text := range map[string]string{
		"POST /api/o": `{"api_name":"acme","external_id":"x-42"}`, "PUT " + connection: `{"name":"masters","status":"pending"}`,
		"GET " + connection + "/policies": "aws iam create-role …", "POST " + connection + "/checks": `{"id":"c-1"}`,
	} {
		mux.HandleFunc(pattern, func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, text) })
	}
	mux.HandleFunc("GET "+connection+"/checks/c-1/events", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		fmt.Fprint(w, "id: 1\nevent: step\ndata: {\"step\":\"arn\",\"result\":\"pass\"}\n\nid: 2\nevent: result\ndata: {\"result\":\"pass\"}\n\n")
	})
	return httptest.NewServer(mux)
}
