package api

import (
	"encoding/json"
	"net/http"
	"reflect"
	"strings"
	"time"

	"github.com/rolecall/rolecall"
	"github.com/rolecall/rolecall/internal/service"
	"github.com/rolecall/rolecall/internal/vend"
)

func (a *API) secrets() {
	handle(a, route{
		method: http.MethodGet, path: "/api/o/{org}/secrets", id: "listSecrets", summary: "An organization's secrets, without their values", lists: true, status: http.StatusOK,
	}, func(q *request) (answer[service.List[service.Secret]], error) {
		return list(q, func(p service.Page) (service.List[service.Secret], error) {
			return a.service.Secrets(q.Context(), q.call, q.PathValue("org"), p)
		})
	})
	handle(a, route{
		method: http.MethodPut, path: "/api/o/{org}/secrets/{name}", id: "putSecret", summary: "Store a secret: its value, and what it is bound to",
		about: "It replaces the secret of the name: what it is bound to changes with the value only.", body: reflect.TypeFor[service.NewSecret](),
		secret: true, status: http.StatusOK,
	}, func(q *request) (answer[service.Secret], error) {
		put, err := a.service.PutSecret(q.Context(), q.call, q.PathValue("org"), q.PathValue("name"), q.body(false))
		return answer[service.Secret]{body: put}, err
	})
	handle(a, route{
		method: http.MethodDelete, path: "/api/o/{org}/secrets/{name}", id: "deleteSecret", summary: "Destroy a secret's value", status: http.StatusNoContent,
	}, func(q *request) (answer[nothing], error) {
		return answer[nothing]{}, a.service.DeleteSecret(q.Context(), q.call, q.PathValue("org"), q.PathValue("name"))
	})
}

// Credentials describes what getCredentials answers, as package vend writes it.
type Credentials struct {
	Version         int       `json:"Version,omitempty"` // of the form process only
	AccessKeyID     string    `json:"AccessKeyId"`
	SecretAccessKey string    `json:"SecretAccessKey"`
	SessionToken    string    `json:"SessionToken,omitempty"` // of the form process
	Token           string    `json:"Token,omitempty"`        // of the form container
	Expiration      time.Time `json:"Expiration"`
	AccountID       string    `json:"AccountId,omitempty"`
}

// containerError is how SDKs read that there are none.
type containerError struct {
	Code    rolecall.Code `json:"code"`
	Message string        `json:"message"`
}

// credentials answers in the forms that SDKs take, errors too where one asks as
// of a container. SDKs send a token without a scheme.
func (a *API) credentials() {
	rt := route{
		method: http.MethodGet, path: "/api/o/{org}/connections/{name}/credentials", id: "getCredentials", summary: "Credentials of a connection, for a tool", status: http.StatusOK, tokenOnly: true, conflicts: true,
		about: "For a verified connection of an organization that is not paused, else 409; they last 30 minutes at least. It takes an admin's token, or one with the role credentials. With form=container errors are ContainerErrors.",
		query: []query{
			{name: "form", description: "process, if left out: as credential_process takes them; container: as a container's endpoint gives them", of: []string{"process", "container"}},
			{name: "access", description: "read if left out; write reads, too", of: []string{"read", "write"}},
			{name: "prefix", description: "only what is below this, which is added to the connection's prefix: a/ of a connection with in/ is in/a/"},
		},
	}
	a.document.add(rt, reflect.TypeFor[Credentials]())
	a.document.also(rt, reflect.TypeFor[containerError]())
	a.mux.HandleFunc(rt.method+" "+rt.path, func(w http.ResponseWriter, r *http.Request) {
		if token := r.Header.Get("Authorization"); token != "" && !strings.Contains(token, " ") {
			r.Header.Set("Authorization", "Bearer "+token)
		}
		values := r.URL.Query()
		form, write := values.Get("form"), vend.Process
		fail := a.fail
		if form == "container" {
			write, fail = vend.Container, a.failContainer
		}
		q, err := a.open(w, r, rt)
		if err != nil {
			fail(w, r, err)
			return
		}
		credentials, err := a.service.Credentials(r.Context(), q.call, r.PathValue("org"), r.PathValue("name"),
			service.CredentialsRequest{Access: vend.Access(values.Get("access")), Prefix: values.Get("prefix")})
		if err != nil {
			fail(w, r, err)
			return
		}
		text, err := write(credentials)
		if err != nil {
			fail(w, r, err)
			return
		}
		w.Header().Set("Content-Type", kindJSON)
		_, _ = w.Write(text)
	})
}

// failContainer answers an SDK with an error in the form that it reads.
// https://docs.aws.amazon.com/sdkref/latest/guide/feature-container-credentials.html
func (a *API) failContainer(w http.ResponseWriter, r *http.Request, err error) {
	first := rolecall.List(err)[0]
	if first.Code == rolecall.Internal {
		a.log.ErrorContext(r.Context(), "request failed", "method", r.Method, "path", r.Pattern, "request", requestID(r), "error", err)
	}
	text, marshal := json.Marshal(containerError{first.Code, first.Message})
	if marshal != nil {
		text = nil // two strings
	}
	w.Header().Set("Content-Type", kindJSON)
	say(w, statusOf(err), err)
	w.WriteHeader(statusOf(err))
	_, _ = w.Write(text)
}
