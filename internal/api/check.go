package api

import (
	"fmt"
	"net/http"
	"reflect"
	"strconv"
	"time"

	"github.com/rolecall/rolecall/internal/service"
	"github.com/rolecall/rolecall/internal/strict"
)

func (a *API) checks() {
	const all = "/api/o/{org}/connections/{name}/checks"
	handle(a, route{
		method: http.MethodGet, path: all, id: "listChecks", summary: "A connection's checks, without their steps", lists: true, status: http.StatusOK,
	}, func(q *request) (answer[service.List[service.CheckSummary]], error) {
		return list(q, func(p service.Page) (service.List[service.CheckSummary], error) {
			return a.service.Checks(q.Context(), q.call, q.PathValue("org"), q.PathValue("name"), p)
		})
	})
	handle(a, route{
		method: http.MethodPost, path: all, id: "startCheck", summary: "Begin a check of a connection",
		about: "One runs at a time: 409 while another does. Its id leads to watchCheck and getCheck. A check that passes or warns makes the connection verified. With a setup link's token, ten in an hour.", body: reflect.TypeFor[service.NewCheck](), optional: true,
		creates: true, locates: true, status: http.StatusAccepted,
	}, func(q *request) (answer[service.Check], error) {
		begun, err := a.service.StartCheck(q.Context(), q.call, q.PathValue("org"), q.PathValue("name"), q.body(true))
		return answer[service.Check]{body: begun, location: q.URL.EscapedPath() + "/" + begun.ID}, err
	})
	handle(a, route{
		method: http.MethodGet, path: all + "/{id}", id: "getCheck", summary: "A check, as far as it is", status: http.StatusOK,
	}, func(q *request) (answer[service.Check], error) {
		found, err := a.service.Check(q.Context(), q.call, q.PathValue("org"), q.PathValue("name"), q.PathValue("id"))
		return answer[service.Check]{body: found}, err
	})
	a.checkEvents(all + "/{id}/events")
}

// How a stream goes on while nothing happens, and when it ends anyway.
const (
	streamPulse = 15 * time.Second
	streamLimit = time.Hour
)

// checkEvents streams a check as server-sent events: step for each step that
// ended, whose id is its number, and result at the end. At every pulse the
// actor is found again, so that a revoked token ends it.
func (a *API) checkEvents(path string) {
	rt := route{
		method: http.MethodGet, path: path, id: "watchCheck", summary: "A check's steps as they end, as server-sent events",
		about: "Events: step, whose data is a CheckStep and whose id is its number; and result at the end, whose data is the Check: the stream ends with it. A comment comes every 15 s. A stream ends after an hour, or when the token is revoked: ask again with Last-Event-ID.", status: http.StatusOK, kinds: []string{kindEvents},
	}
	a.document.add(rt, reflect.TypeFor[string]())
	a.mux.HandleFunc(rt.method+" "+rt.path, func(w http.ResponseWriter, r *http.Request) {
		sent, _ := strconv.Atoi(r.Header.Get("Last-Event-ID"))
		sent = max(sent, 0)
		end := time.After(streamLimit)
		begun := false
		q, err := a.open(w, r, rt)
		if err == nil {
			var closed func()
			if closed, err = a.limits.streams.open(q.call.Actor); err == nil {
				defer closed()
			}
		}
		for {
			if begun {
				q.call.Actor, err = a.actor(r, rt)
			}
			var found service.Check
			var further <-chan struct{}
			if err == nil {
				found, further, err = a.service.WatchCheck(r.Context(), q.call, r.PathValue("org"), r.PathValue("name"), r.PathValue("id"))
			}
			switch {
			case err != nil && !begun:
				a.fail(w, r, err)
				return
			case err != nil:
				return
			case !begun:
				w.Header().Set("Content-Type", kindEvents)
				begun = true
			}
			a.mayWrite(w)
			for ; sent < len(found.Steps); sent++ {
				event(w, strconv.Itoa(sent+1), "step", found.Steps[sent])
			}
			if further == nil {
				event(w, strconv.Itoa(len(found.Steps)+1), "result", found)
				return
			}
			if http.NewResponseController(w).Flush() != nil {
				return
			}
			select {
			case <-further:
			case <-time.After(a.pulse):
				fmt.Fprint(w, ": still here\n\n")
			case <-end:
				return
			case <-r.Context().Done():
				return
			}
		}
	})
}

// event writes an event whose data is one line of JSON, without CR or LF.
func event(w http.ResponseWriter, id, name string, v any) {
	text, err := strict.Line(v)
	if err != nil {
		return // of our own types
	}
	fmt.Fprintf(w, "id: %s\nevent: %s\ndata: %s\n", id, name, text) // the line ends in a newline
	fmt.Fprint(w, "\n")
}
