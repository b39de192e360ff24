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
	d.schema(reflect.TypeFor[Problem]())
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
		op.Parameters = append(op.Parameters, &huma.Param{Name: "If-Match", In: "header", Description: "the ETag that is to be changed", Schema: text})
	}
	if slices.Contains(rt.kinds, kindEvents) {
		op.Parameters = append(op.Parameters, &huma.Param{Name: "Last-Event-ID", In: "header", Description: "id of the last event that was seen; those after it come", Schema: text})
	}
	if rt.creates || rt.changes {
		op.Parameters = append(op.Parameters, &huma.Param{Name: "dry_run", In: "query", Description: "checks and answers, and changes nothing", Schema: &huma.Schema{Type: "boolean"}})
	}
	if rt.body != nil {
		d.bodies[nameSchema(rt.body, "")] = true
		op.RequestBody = &huma.RequestBody{Required: !rt.optional, Content: map[string]*huma.MediaType{kindJSON: {Schema: d.schema(rt.body)}}}
		if rt.method == http.MethodPatch {
			op.RequestBody.Content["application/merge-patch+json"] = op.RequestBody.Content[kindJSON]
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
	op.Responses[strconv.Itoa(rt.status)] = done
	if rt.makes {
		made := *done
		made.Description = http.StatusText(http.StatusCreated)
		op.Responses[strconv.Itoa(http.StatusCreated)] = &made
	}
	op.Responses["default"] = &huma.Response{Description: "a problem", Content: map[string]*huma.MediaType{"application/problem+json": {Schema: d.schema(reflect.TypeFor[Problem]())}}}
	d.api.AddOperation(op)
}

// also describes what a route answers errors with, where it is not asked for
// problems.
func (d *document) also(rt route, out reflect.Type) {
	op := d.api.Paths[rt.path].Get
	op.Responses["default"].Content[kindJSON] = &huma.MediaType{Schema: d.schema(out)}
}

func pointer[T any](v T) *T { return &v }

// text returns the document. A client that was made from it must bear members
// of answers that come later; those of bodies must be known.
func (d *document) text() ([]byte, error) {
	for name, schema := range d.api.Components.Schemas.Map() {
		loosen(schema, !d.bodies[name])
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
