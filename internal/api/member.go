package api

import (
	"net/http"
	"reflect"

	"github.com/rolecall/rolecall/internal/service"
)

func (a *API) members() {
	const all = "/api/o/{org}/members"
	handle(a, route{
		method: http.MethodGet, path: all, id: "listMembers", summary: "An organization's members, and who was invited", lists: true, status: http.StatusOK,
	}, func(q *request) (answer[service.List[service.Member]], error) {
		return list(q, func(p service.Page) (service.List[service.Member], error) {
			return a.service.Members(q.Context(), q.call, q.PathValue("org"), p)
		})
	})
	handle(a, route{
		method: http.MethodPost, path: all, id: "inviteMember", summary: "Invite a person; the answer alone has the link that signs them in",
		body: reflect.TypeFor[service.NewMember](), creates: true, status: http.StatusCreated,
	}, func(q *request) (answer[service.Link], error) {
		made, err := a.service.InviteMember(q.Context(), q.call, q.PathValue("org"), q.body(false))
		return answer[service.Link]{body: made}, err
	})
	handle(a, route{
		method: http.MethodDelete, path: all + "/{id}", id: "deleteMember", summary: "Remove a member and end their sessions, or withdraw an invitation", status: http.StatusNoContent,
	}, func(q *request) (answer[nothing], error) {
		return answer[nothing]{}, a.service.DeleteMember(q.Context(), q.call, q.PathValue("org"), q.PathValue("id"))
	})
}

func (a *API) sessions() {
	const all = "/api/sessions"
	handle(a, route{
		method: http.MethodGet, path: all, id: "listSessions", summary: "Sessions: an operator's are all, an admin's those of the organization, others' their own", lists: true, status: http.StatusOK,
	}, func(q *request) (answer[service.List[service.Session]], error) {
		return list(q, func(p service.Page) (service.List[service.Session], error) {
			return a.service.Sessions(q.Context(), q.call, p)
		})
	})
	handle(a, route{
		method: http.MethodDelete, path: all + "/{id}", id: "deleteSession", summary: "End a session", status: http.StatusNoContent,
	}, func(q *request) (answer[nothing], error) {
		return answer[nothing]{}, a.service.DeleteSession(q.Context(), q.call, q.PathValue("id"))
	})
}
