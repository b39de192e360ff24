package api

import (
	"net/http"
	"reflect"

	"github.com/rolecall/rolecall"
)

// About describes what getVersion answers.
type About struct {
	Version string `json:"version"`
}

// about answers what everybody may know: the document, which it completes, the
// version, and whether the service is well.
func (a *API) about(version string) {
	route := func(path, id, summary, kind string, out reflect.Type) string {
		a.document.add(route{method: http.MethodGet, path: path, id: id, summary: summary, status: http.StatusOK, open: true, kinds: []string{kind}}, out)
		return http.MethodGet + " " + path
	}
	nothing := reflect.TypeFor[string]()
	answers := route("/api/openapi.json", "getDocument", "This document", kindOpenAPI, nothing)
	a.mux.HandleFunc(route("/api/version", "getVersion", "The version of the service", kindJSON, reflect.TypeFor[About]()), func(w http.ResponseWriter, r *http.Request) {
		a.write(w, r, kindJSON, About{version})
	})
	a.mux.HandleFunc(route("/healthz", "getHealth", "Whether the service runs", kindText, nothing), func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", kindText)
		_, _ = w.Write([]byte("ok\n"))
	})
	a.mux.HandleFunc(route("/readyz", "getReadiness", "Whether the service takes requests: its database can be reached", kindText, nothing), func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", kindText)
		if err := a.service.Ready(r.Context()); err != nil {
			a.log.WarnContext(r.Context(), "not ready", "error", err)
			w.WriteHeader(http.StatusServiceUnavailable)
			_, _ = w.Write([]byte(rolecall.List(err)[0].Message + "\n"))
			return
		}
		_, _ = w.Write([]byte("ready\n"))
	})
	a.document.unready()
	text, err := a.document.text()
	if err != nil {
		panic(err) // it is made of our own types
	}
	a.mux.HandleFunc(answers, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", kindOpenAPI)
		_, _ = w.Write(text)
	})
}
