package api

import (
	"cmp"
	"encoding/json"
	"net/http"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"github.com/rolecall/rolecall"
	"github.com/rolecall/rolecall/internal/service"
	"github.com/rolecall/rolecall/policy"
)

// document is the OpenAPI document. Its schemas are made of the Go types that
// are read and written.
type document struct {
	api    *huma.OpenAPI
	bodies map[string]bool // names of the schemas of bodies
}

func newDocument(version string) *document {
	schemas := huma.NewMapRegistry("#/components/schemas/", nameSchema)
	schemas.RegisterTypeAlias(reflect.TypeFor[service.Duration](), reflect.TypeFor[string]())
	schemas.RegisterTypeAlias(reflect.TypeFor[service.Change[string]](), reflect.TypeFor[*string]())
	schemas.RegisterTypeAlias(reflect.TypeFor[service.Change[service.JobsMay]](), reflect.TypeFor[*string]())
	schemas.RegisterTypeAlias(reflect.TypeFor[service.Change[int64]](), reflect.TypeFor[*int64]())
	schemas.RegisterTypeAlias(reflect.TypeFor[service.Change[bool]](), reflect.TypeFor[*bool]())
	schemas.RegisterTypeAlias(reflect.TypeFor[service.Change[service.LimitsPatch]](), reflect.TypeFor[*service.LimitsPatch]())
	schemas.RegisterTypeAlias(reflect.TypeFor[json.RawMessage](), reflect.TypeFor[map[string]any]()) // a policy, or a connection
	schemas.RegisterTypeAlias(reflect.TypeFor[policy.Document](), reflect.TypeFor[map[string]any]())
	schemas.RegisterTypeAlias(reflect.TypeFor[map[policy.Kind]json.RawMessage](), reflect.TypeFor[givenPolicies]())
	d := &document{bodies: map[string]bool{}, api: &huma.OpenAPI{
		OpenAPI: "3.1.0",
		Info:    &huma.Info{Title: "rolecall", Version: cmp.Or(version, "0"), Description: "Work on files in other people's S3 buckets, safely."},
		Components: &huma.Components{
			Schemas:         schemas,
			SecuritySchemes: map[string]*huma.SecurityScheme{"token": {Type: "http", Scheme: "bearer"}},
		},
		Security: []map[string][]string{{"token": {}}},
	}}
	d.api.Components.Responses = map[string]*huma.Response{"Problem": d.problem()}
	// The holder of a setup link sends what it fills in alone.
	d.schema(reflect.TypeFor[rolecall.Connection]())
	d.api.Components.Schemas.Map()["DeclaredConnection"].Required = nil
	// In a merge patch null resets a member.
	d.schema(reflect.TypeFor[service.OrganizationPatch]())
	patch := d.api.Components.Schemas.Map()["OrganizationPatch"].Properties
	patch["jobs"].Enum = append(patch["jobs"].Enum, nil)
	patch["limits"] = &huma.Schema{AnyOf: []*huma.Schema{patch["limits"], {Type: "null"}}}
	return d
}

// nameSchema names a schema as its type: ListConnection for a list of
// connections, and DeclaredConnection for what is declared of one.
func nameSchema(t reflect.Type, hint string) string {
	if t == reflect.TypeFor[rolecall.Connection]() {
		return "DeclaredConnection"
	}
	return strings.TrimPrefix(huma.DefaultSchemaNamer(t, hint), "Service")
}

// givenPolicies describes service.NewCheck's policies: by kind, a document or a
// list of them.
type givenPolicies struct{}

// Schema implements huma.SchemaProvider.
func (givenPolicies) Schema(huma.Registry) *huma.Schema {
	document := &huma.Schema{Type: huma.TypeObject, AdditionalProperties: true}
	return &huma.Schema{Type: huma.TypeObject, AdditionalProperties: &huma.Schema{OneOf: []*huma.Schema{document, {Type: huma.TypeArray, Items: document}}}}
}

func (d *document) schema(t reflect.Type) *huma.Schema {
	return d.api.Components.Schemas.Schema(t, true, "")
}

// The media types of answers.
const (
	kindJSON   = "application/json"
	kindYAML   = "application/yaml"
	kindText   = "text/plain"
	kindEvents = "text/event-stream"

	kindMergePatch = "application/merge-patch+json"
)

var pathParameter = regexp.MustCompile(`\{([a-z]+)\}`)

// add describes a route.
func (d *document) add(rt route, out reflect.Type) {
	op := &huma.Operation{OperationID: rt.id, Method: rt.method, Path: rt.path, Summary: rt.summary, Responses: map[string]*huma.Response{}}
	text := &huma.Schema{Type: "string"}
	for _, match := range pathParameter.FindAllStringSubmatch(rt.path, -1) {
		op.Parameters = append(op.Parameters, &huma.Param{Name: match[1], In: "path", Required: true, Schema: text})
	}
	if rt.lists {
		op.Parameters = append(op.Parameters,
			&huma.Param{Name: "limit", In: "query", Description: "at most so many results", Schema: &huma.Schema{Type: "integer", Minimum: pointer(1.0), Maximum: pointer(200.0), Default: 50}},
			&huma.Param{Name: "cursor", In: "query", Description: "next of the page before", Schema: text})
	}
	for _, q := range rt.query {
		schema := &huma.Schema{Type: "string"}
		for _, value := range q.of {
			schema.Enum = append(schema.Enum, value)
		}
		op.Parameters = append(op.Parameters, &huma.Param{Name: q.name, In: "query", Description: q.description, Schema: schema})
	}
	if rt.creates {
		op.Parameters = append(op.Parameters, &huma.Param{Name: "Idempotency-Key", In: "header", Description: "makes the request repeatable for 24 hours", Schema: text})
	}
	if rt.changes {
		op.Parameters = append(op.Parameters,
			&huma.Param{Name: "If-Match", In: "header", Description: "the ETag that is to be changed, or * for any", Schema: text},
			&huma.Param{Name: "If-None-Match", In: "header", Description: "* has only what is not there made", Schema: text})
	}
	if slices.Contains(rt.kinds, kindEvents) {
		op.Parameters = append(op.Parameters, &huma.Param{Name: "Last-Event-ID", In: "header", Description: "id of the last event that was seen; those after it come", Schema: text})
	}
	if rt.triable() {
		op.Parameters = append(op.Parameters, &huma.Param{Name: "dry_run", In: "query", Description: "checks and answers, and changes nothing", Schema: &huma.Schema{Type: "boolean"}})
	}
	if rt.body != nil {
		d.bodies[nameSchema(rt.body, "")] = true
		op.RequestBody = &huma.RequestBody{Required: !rt.optional, Content: map[string]*huma.MediaType{kindJSON: {Schema: d.schema(rt.body)}}}
		if rt.method == http.MethodPatch {
			op.RequestBody.Content[kindMergePatch] = op.RequestBody.Content[kindJSON]
		}
	}
	done := &huma.Response{Description: http.StatusText(rt.status)}
	if rt.status != http.StatusNoContent {
		done.Content = map[string]*huma.MediaType{}
		for _, kind := range rt.kinds {
			done.Content[kind] = &huma.MediaType{Schema: text}
		}
		if rt.kinds == nil || slices.Contains(rt.kinds, kindJSON) {
			done.Content[kindJSON] = &huma.MediaType{Schema: d.schema(out)}
		}
	}
	done.Headers = map[string]*huma.Param{"X-Request-Id": {Description: "names the request in the log and in audit records", Schema: text}}
	if rt.revisions {
		done.Headers["ETag"] = &huma.Param{Description: "the revision, for If-Match", Schema: text}
	}
	if rt.locates {
		done.Headers["Location"] = &huma.Param{Description: "the path of what was made", Schema: text}
	}
	op.Responses[strconv.Itoa(rt.status)] = done
	if rt.makes {
		made := *done
		made.Description = http.StatusText(http.StatusCreated)
		op.Responses[strconv.Itoa(http.StatusCreated)] = &made
	}
	for _, status := range rt.refusals() {
		op.Responses[strconv.Itoa(status)] = &huma.Response{Ref: problemRef}
	}
	op.Responses["default"] = &huma.Response{Ref: problemRef}
	d.api.AddOperation(op)
}

// values are what members may hold that have a list of values, by schema.
var values = map[string]map[string][]any{
	"DeclaredConnection": {"purpose": {rolecall.Source, rolecall.Delivery}},
	"Connection":         {"purpose": {rolecall.Source, rolecall.Delivery}},
	"ExternalID":         {"mode": {rolecall.ExternalIDGenerated, rolecall.ExternalIDAPIName, rolecall.ExternalIDCustom}},
	"Encryption":         {"type": {"AES256", "aws:kms"}},
	"CheckStep":          {"result": {rolecall.CheckPass, rolecall.CheckWarn, rolecall.CheckFail, rolecall.CheckSkip}},
}

// descriptions are of members whose name does not say enough, by schema.
var descriptions = map[string]map[string]string{
	"DeclaredConnection": {
		"probe_key": "an object that the check reads, where the role may not list",
		"prefix":    "below which everything is; it ends in a slash",
		"role_arn":  "the customer's role; left out: the policies are made before there is one",
	},
	"MadeSetupLink": {"url": "its last part is the link's token: who has it may call, as a bearer token, GET and PUT of the connection, its policies and its checks"},
	"MadeToken":     {"token": "to be sent as Authorization: Bearer; it is shown once"},
	"NewToken":      {"expires": "how long it is valid: 90d, 12h"},
	"NewSetupLink":  {"expires": "how long it is valid: 14d, 12h", "account": "whose role it has to be: 12 digits"},
	"NewCheck":      {"wait": "for how long new roles and policies are waited for: 2m", "policies": "policies as the account has them, by kind: they are judged and corrected"},
	"Check":         {"result": "null while it runs"},
}

// problemRef is where the one description of all problems is.
const problemRef = "#/components/responses/Problem"

// problem describes the answer to what is refused.
func (d *document) problem() *huma.Response {
	text := &huma.Schema{Type: "string"}
	return &huma.Response{
		Description: "A problem: 400 and 422 say what was sent wrongly; 401, that no token is valid; 403, what its role may not; 404, what is not there or is another's; " +
			"409, what it conflicts with; 412, that it was changed meanwhile; 429 and 503, to try again later.",
		Headers: map[string]*huma.Param{
			"X-Request-Id": {Description: "names the request in the log and in audit records", Schema: text},
			"Retry-After":  {Description: "with 429 and 503: seconds", Schema: text},
		},
		Content: map[string]*huma.MediaType{"application/problem+json": {Schema: d.schema(reflect.TypeFor[Problem]())}},
	}
}

// refusals returns the statuses that a route refuses with.
func (rt route) refusals() []int {
	all := []int{http.StatusUnauthorized, http.StatusForbidden, http.StatusUnprocessableEntity, http.StatusTooManyRequests, http.StatusServiceUnavailable}
	if strings.Contains(rt.path, "{") {
		all = append(all, http.StatusNotFound)
	}
	if rt.method != http.MethodGet {
		all = append(all, http.StatusConflict)
	}
	if rt.changes {
		all = append(all, http.StatusPreconditionFailed)
	}
	if rt.body != nil {
		all = append(all, http.StatusBadRequest, http.StatusRequestEntityTooLarge, http.StatusUnsupportedMediaType)
	}
	return all
}

// also describes what a route answers errors with, where it is not asked for
// problems.
func (d *document) also(rt route, out reflect.Type) {
	answers := d.problem()
	answers.Content[kindJSON] = &huma.MediaType{Schema: d.schema(out)}
	responses := d.api.Paths[rt.path].Get.Responses
	for status, known := range responses {
		if known.Ref == problemRef {
			responses[status] = answers
		}
	}
}

func pointer[T any](v T) *T { return &v }

// text returns the document. A client that was made from it must bear members
// of answers that come later; those of bodies must be known.
func (d *document) text() ([]byte, error) {
	for name, schema := range d.api.Components.Schemas.Map() {
		loosen(schema, !d.bodies[name])
		for member, of := range values[name] {
			schema.Properties[member].Enum = of
		}
		for member, text := range descriptions[name] {
			schema.Properties[member].Description = text
		}
	}
	return json.MarshalIndent(d.api, "", "  ")
}

// loosen says that lists are never null, and that objects of answers may have
// more members.
func loosen(s *huma.Schema, answer bool) {
	if s == nil {
		return
	}
	if s.Type == huma.TypeArray {
		s.Nullable = false
		loosen(s.Items, answer)
	}
	if closed, ok := s.AdditionalProperties.(bool); ok && !closed && answer {
		s.AdditionalProperties = nil
	}
	for _, member := range s.Properties {
		loosen(member, answer)
	}
}
