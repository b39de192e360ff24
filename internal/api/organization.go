package api

import (
	"net/http"
	"reflect"

	"github.com/rolecall/rolecall/internal/service"
)

func (a *API) organizations() {
	handle(a, route{
		method: http.MethodGet, path: "/api/o", id: "listOrganizations", summary: "Organizations that the token may see", lists: true, status: http.StatusOK,
	}, func(q *request) (answer[service.List[service.Organization]], error) {
		return list(q, func(p service.Page) (service.List[service.Organization], error) {
			return a.service.Organizations(q.Context(), q.call, p)
		})
	})
	handle(a, route{
		method: http.MethodPost, path: "/api/o", id: "createOrganization", summary: "Make an organization and its external id",
		body: reflect.TypeFor[service.NewOrganization](), creates: true, status: http.StatusCreated,
	}, func(q *request) (answer[service.Organization], error) {
		made, err := a.service.CreateOrganization(q.Context(), q.call, q.body(false))
		return answer[service.Organization]{body: made}, err
	})
	handle(a, route{
		method: http.MethodGet, path: "/api/o/{org}", id: "getOrganization", summary: "An organization", status: http.StatusOK,
	}, func(q *request) (answer[service.Organization], error) {
		found, err := a.service.Organization(q.Context(), q.call, q.PathValue("org"))
		return answer[service.Organization]{body: found}, err
	})
}

func (a *API) tokens() {
	handle(a, route{
		method: http.MethodGet, path: "/api/o/{org}/tokens", id: "listTokens", summary: "An organization's tokens, without their secrets", lists: true, status: http.StatusOK,
	}, func(q *request) (answer[service.List[service.Token]], error) {
		return list(q, func(p service.Page) (service.List[service.Token], error) {
			return a.service.Tokens(q.Context(), q.call, q.PathValue("org"), p)
		})
	})
	handle(a, route{
		method: http.MethodPost, path: "/api/o/{org}/tokens", id: "createToken", summary: "Make a token; the answer alone has its secret",
		body: reflect.TypeFor[service.NewToken](), creates: true, status: http.StatusCreated,
	}, func(q *request) (answer[service.MadeToken], error) {
		made, err := a.service.CreateToken(q.Context(), q.call, q.PathValue("org"), q.body(false))
		return answer[service.MadeToken]{body: made}, err
	})
	handle(a, route{
		method: http.MethodDelete, path: "/api/o/{org}/tokens/{id}", id: "deleteToken", summary: "Revoke a token", status: http.StatusNoContent,
	}, func(q *request) (answer[nothing], error) {
		return answer[nothing]{}, a.service.DeleteToken(q.Context(), q.call, q.PathValue("org"), q.PathValue("id"))
	})
}

func (a *API) audit() {
	handle(a, route{
		method: http.MethodGet, path: "/api/o/{org}/audit", id: "listAudit", summary: "Who did what", lists: true, status: http.StatusOK,
	}, func(q *request) (answer[service.List[service.AuditRecord]], error) {
		return list(q, func(p service.Page) (service.List[service.AuditRecord], error) {
			return a.service.Audit(q.Context(), q.call, q.PathValue("org"), p)
		})
	})
}
