package api

import (
	"mime"
	"net/http"
	"reflect"
	"strings"

	"github.com/rolecall/rolecall/internal/service"
	"github.com/rolecall/rolecall/internal/strict"
)

// kindLines is one JSON document a line.
const kindLines = "application/jsonl"

func (a *API) audit() {
	a.auditRecords(route{path: "/api/o/{org}/audit", id: "listAudit", summary: "Who did what in an organization"},
		func(q *request, f service.AuditFilter, p service.Page) (service.List[service.AuditRecord], error) {
			return a.service.Audit(q.Context(), q.call, q.PathValue("org"), f, p)
		})
	a.auditRecords(route{path: "/api/operator/audit", id: "listOperatorAudit", summary: "Who did what in all organizations, and in none"},
		func(q *request, f service.AuditFilter, p service.Page) (service.List[service.AuditRecord], error) {
			return a.service.OperatorAudit(q.Context(), q.call, f, p)
		})
}

// auditRecords answers with a page of records or, to who accepts JSON lines, with
// all of them, the newest first; with a limit, with those of one page.
func (a *API) auditRecords(rt route, read func(*request, service.AuditFilter, service.Page) (service.List[service.AuditRecord], error)) {
	rt.method, rt.lists, rt.status, rt.kinds = http.MethodGet, true, http.StatusOK, []string{kindJSON, kindLines}
	rt.query = []query{{name: "actor", description: "records of this actor only: its id"}, {name: "action", description: "records of this action only, as token.create"}}
	a.document.add(rt, reflect.TypeFor[service.List[service.AuditRecord]]())
	a.mux.HandleFunc(rt.method+" "+rt.path, func(w http.ResponseWriter, r *http.Request) {
		q, err := a.open(w, r, rt)
		var p service.Page
		if err == nil {
			p = q.page()
		}
		values := r.URL.Query()
		f := service.AuditFilter{Actor: values.Get("actor"), Action: values.Get("action")}
		lines := accepts(r, kindLines)
		all := lines && p.Limit == 0
		if all {
			p.Limit = service.MaxLimit
		}
		for begun := false; ; begun = true {
			var found service.List[service.AuditRecord]
			if err == nil {
				found, err = read(q, f, p)
			}
			switch {
			case err != nil && begun:
				panic(http.ErrAbortHandler) // so that the reader knows that it is not all
			case err != nil:
				a.fail(w, r, err)
				return
			case !lines:
				a.write(w, r, kindJSON, found)
				return
			case !begun:
				w.Header().Set("Content-Type", kindLines)
			}
			a.mayWrite(w)
			for _, record := range found.Results {
				text, err := strict.Line(record)
				if err == nil {
					_, err = w.Write(text)
				}
				if err != nil {
					return
				}
			}
			if !all || found.Next == "" {
				return
			}
			p.Cursor = found.Next
		}
	})
}

// accepts reports whether a request names the media type as one that it takes.
func accepts(r *http.Request, kind string) bool {
	for accepted := range strings.SplitSeq(strings.Join(r.Header.Values("Accept"), ","), ",") {
		if named, _, err := mime.ParseMediaType(accepted); err == nil && named == kind {
			return true
		}
	}
	return false
}

// write answers with a document.
func (a *API) write(w http.ResponseWriter, r *http.Request, kind string, document any) {
	text, err := strict.Line(document)
	if err != nil {
		a.fail(w, r, err)
		return
	}
	w.Header().Set("Content-Type", kind)
	_, _ = w.Write(text)
}
