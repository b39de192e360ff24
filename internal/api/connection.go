package api

import (
	"cmp"
	"net/http"
	"reflect"

	"github.com/rolecall/rolecall"
	"github.com/rolecall/rolecall/internal/service"
	"github.com/rolecall/rolecall/policy"
	"github.com/rolecall/rolecall/policy/render"
)

func (a *API) connections() {
	handle(a, route{
		method: http.MethodGet, path: "/api/o/{org}/connections", id: "listConnections", summary: "An organization's connections", lists: true, status: http.StatusOK,
	}, func(q *request) (answer[service.List[service.Connection]], error) {
		return list(q, func(p service.Page) (service.List[service.Connection], error) {
			return a.service.Connections(q.Context(), q.call, q.PathValue("org"), p)
		})
	})
	const one = "/api/o/{org}/connections/{name}"
	handle(a, route{
		method: http.MethodGet, path: one, id: "getConnection", summary: "A connection and what checks found", revisions: true, status: http.StatusOK,
	}, func(q *request) (answer[service.Connection], error) {
		found, err := a.service.Connection(q.Context(), q.call, q.PathValue("org"), q.PathValue("name"))
		return answer[service.Connection]{body: found, revision: found.Revision}, err
	})
	handle(a, route{
		method: http.MethodPut, path: one, id: "putConnection", summary: "Make a connection, or change it",
		about: "What is left out is removed from the connection, and with it how it was verified: a change of anything but probe_key makes it pending. With a setup link's token what is left out stays, and only what the link fills can be given, until the connection was verified.", body: reflect.TypeFor[rolecall.Connection](), changes: true, revisions: true, status: http.StatusOK, makes: true,
	}, func(q *request) (answer[service.Connection], error) {
		put, made, err := a.service.PutConnection(q.Context(), q.call, q.PathValue("org"), q.PathValue("name"), q.body(false))
		out := answer[service.Connection]{body: put, revision: put.Revision}
		if made {
			out.status = http.StatusCreated
		}
		return out, err
	})
	handle(a, route{
		method: http.MethodDelete, path: one, id: "deleteConnection", summary: "Remove a connection", changes: true, status: http.StatusNoContent,
	}, func(q *request) (answer[nothing], error) {
		return answer[nothing]{}, a.service.DeleteConnection(q.Context(), q.call, q.PathValue("org"), q.PathValue("name"))
	})
	handle(a, route{
		method: http.MethodPost, path: one + "/release", id: "releaseConnection", summary: "End the organization's claim on the connection's role or dispenser",
		about: "Work that uses it stops, and another organization may claim it. The next use claims it again.", status: http.StatusNoContent,
	}, func(q *request) (answer[nothing], error) {
		return answer[nothing]{}, a.service.ReleaseConnection(q.Context(), q.call, q.PathValue("org"), q.PathValue("name"))
	})
	a.policies(one + "/policies")
	a.setupLinks(one + "/setup-links")
}

func (a *API) setupLinks(all string) {
	handle(a, route{
		method: http.MethodGet, path: "/api/setup-link", id: "getSetupLink", summary: "What the setup link is for whose token is sent: which connection, and what to fill in", status: http.StatusOK,
	}, func(q *request) (answer[service.OpenedSetupLink], error) {
		found, err := a.service.OwnSetupLink(q.Context(), q.call)
		return answer[service.OpenedSetupLink]{body: found}, err
	})
	handle(a, route{
		method: http.MethodGet, path: all, id: "listSetupLinks", summary: "A connection's setup links, without their URLs", lists: true, status: http.StatusOK,
	}, func(q *request) (answer[service.List[service.SetupLink]], error) {
		return list(q, func(p service.Page) (service.List[service.SetupLink], error) {
			return a.service.SetupLinks(q.Context(), q.call, q.PathValue("org"), q.PathValue("name"), p)
		})
	})
	handle(a, route{
		method: http.MethodPost, path: all, id: "createSetupLink", summary: "Make a link by which the customer's admin connects it; the answer alone has its URL",
		about: "Whoever has the link gives the role and its region, and of bucket, prefix and encryption what the connection lacks now.",
		body:  reflect.TypeFor[service.NewSetupLink](), optional: true, creates: true, status: http.StatusCreated,
	}, func(q *request) (answer[service.MadeSetupLink], error) {
		made, err := a.service.CreateSetupLink(q.Context(), q.call, q.PathValue("org"), q.PathValue("name"), q.body(true))
		return answer[service.MadeSetupLink]{body: made}, err
	})
	handle(a, route{
		method: http.MethodDelete, path: all + "/{id}", id: "deleteSetupLink", summary: "Revoke a setup link", status: http.StatusNoContent,
	}, func(q *request) (answer[nothing], error) {
		return answer[nothing]{}, a.service.DeleteSetupLink(q.Context(), q.call, q.PathValue("org"), q.PathValue("name"), q.PathValue("id"))
	})
}

// policies answers with documents that are not all JSON.
func (a *API) policies(path string) {
	rt := route{
		method: http.MethodGet, path: path, id: "getPolicies", summary: "The policies that the connection needs", status: http.StatusOK, conflicts: true,
		about: "As JSON, a Kit. 409: the connection lacks its bucket, or its role and role_arn is left out.",
		query: []query{{name: "format", description: "json if left out; text is answered for terraform and cli, YAML for cloudformation", of: formats()}, {name: "role_arn", description: "the role that is going to be made, for a connection that has none yet"}}, kinds: []string{kindJSON, kindYAML, kindText},
	}
	a.document.add(rt, reflect.TypeFor[policy.Kit]())
	a.mux.HandleFunc(rt.method+" "+rt.path, func(w http.ResponseWriter, r *http.Request) {
		q, err := a.open(w, r, rt)
		var text []byte
		format := cmp.Or(render.Format(r.URL.Query().Get("format")), render.JSON)
		if err == nil {
			text, err = a.service.Policies(r.Context(), q.call, r.PathValue("org"), r.PathValue("name"), service.PoliciesRequest{Format: format, RoleARN: r.URL.Query().Get("role_arn")})
		}
		if err != nil {
			a.fail(w, r, err)
			return
		}
		kind := kindText + "; charset=utf-8"
		switch format {
		case render.JSON:
			kind = kindJSON
		case render.CloudFormation:
			kind = kindYAML
		}
		w.Header().Set("Content-Type", kind)
		_, _ = w.Write(text)
	})
}

func formats() []string {
	var out []string
	for _, f := range render.Formats() {
		out = append(out, string(f))
	}
	return out
}
