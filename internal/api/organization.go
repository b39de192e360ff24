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
		body: reflect.TypeFor[service.NewOrganization](), creates: true, revisions: true, locates: true, status: http.StatusCreated,
	}, func(q *request) (answer[service.Organization], error) {
		made, err := a.service.CreateOrganization(q.Context(), q.call, q.body(false))
		return answer[service.Organization]{body: made, revision: made.Revision, location: "/api/o/" + made.APIName}, err
	})
	handle(a, route{
		method: http.MethodGet, path: "/api/o/{org}", id: "getOrganization", summary: "An organization", revisions: true, status: http.StatusOK,
	}, func(q *request) (answer[service.Organization], error) {
		found, err := a.service.Organization(q.Context(), q.call, q.PathValue("org"))
		return answer[service.Organization]{body: found, revision: found.Revision}, err
	})
	handle(a, route{
		method: http.MethodPatch, path: "/api/o/{org}", id: "patchOrganization", summary: "Change an organization: plain JSON or a merge patch",
		body: reflect.TypeFor[service.OrganizationPatch](), changes: true, revisions: true, status: http.StatusOK,
	}, func(q *request) (answer[service.Organization], error) {
		changed, err := a.service.PatchOrganization(q.Context(), q.call, q.PathValue("org"), q.body(false))
		return answer[service.Organization]{body: changed, revision: changed.Revision}, err
	})
	handle(a, route{
		method: http.MethodDelete, path: "/api/o/{org}", id: "deleteOrganization", summary: "End all that an organization has, and say what remains at the customer", changes: true, status: http.StatusOK,
	}, func(q *request) (answer[service.Offboarded], error) {
		gone, err := a.service.DeleteOrganization(q.Context(), q.call, q.PathValue("org"))
		return answer[service.Offboarded]{body: gone}, err
	})
}

func (a *API) rotations() {
	handle(a, route{
		method: http.MethodPost, path: "/api/o/{org}/external-id/rotations", id: "rotateExternalID", summary: "Begin to replace the external id, or say how far that is",
		about: "Until all connections have passed a check with the new external id, both are in force, and the same request says how far it is; after that, it begins another. ?dry_run=true says what would be.",
		body:  reflect.TypeFor[service.NewRotation](), optional: true, creates: true, status: http.StatusCreated,
	}, func(q *request) (answer[service.Rotation], error) {
		rotation, err := a.service.RotateExternalID(q.Context(), q.call, q.PathValue("org"), q.body(true))
		return answer[service.Rotation]{body: rotation}, err
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

func (a *API) operator() {
	const tokens = "/api/operator/tokens"
	handle(a, route{
		method: http.MethodGet, path: tokens, id: "listOperatorTokens", summary: "The operator's tokens, without their secrets", lists: true, status: http.StatusOK,
	}, func(q *request) (answer[service.List[service.Token]], error) {
		return list(q, func(p service.Page) (service.List[service.Token], error) {
			return a.service.OperatorTokens(q.Context(), q.call, p)
		})
	})
	handle(a, route{
		method: http.MethodPost, path: tokens, id: "createOperatorToken", summary: "Make a token of the operator's; the answer alone has its secret",
		body: reflect.TypeFor[service.NewOperatorToken](), optional: true, creates: true, status: http.StatusCreated,
	}, func(q *request) (answer[service.MadeToken], error) {
		made, err := a.service.CreateOperatorToken(q.Context(), q.call, q.body(true))
		return answer[service.MadeToken]{body: made}, err
	})
	handle(a, route{
		method: http.MethodDelete, path: tokens + "/{id}", id: "deleteOperatorToken", summary: "Revoke a token of the operator's", status: http.StatusNoContent,
	}, func(q *request) (answer[nothing], error) {
		return answer[nothing]{}, a.service.DeleteOperatorToken(q.Context(), q.call, q.PathValue("id"))
	})
}
