package api

import (
	"cmp"
	"encoding/json"
	"maps"
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
	api  *huma.OpenAPI
	made []byte
}

func newDocument(version string) *document {
	schemas := huma.NewMapRegistry(schemaRef, nameSchema)
	schemas.RegisterTypeAlias(reflect.TypeFor[service.Duration](), reflect.TypeFor[string]())
	schemas.RegisterTypeAlias(reflect.TypeFor[service.Change[string]](), reflect.TypeFor[*string]())
	schemas.RegisterTypeAlias(reflect.TypeFor[service.Change[service.JobsMay]](), reflect.TypeFor[*string]())
	schemas.RegisterTypeAlias(reflect.TypeFor[service.Change[int64]](), reflect.TypeFor[*int64]())
	schemas.RegisterTypeAlias(reflect.TypeFor[service.Change[bool]](), reflect.TypeFor[*bool]())
	schemas.RegisterTypeAlias(reflect.TypeFor[service.Change[service.LimitsPatch]](), reflect.TypeFor[*service.LimitsPatch]())
	schemas.RegisterTypeAlias(reflect.TypeFor[json.RawMessage](), reflect.TypeFor[map[string]any]()) // a policy, or a connection
	schemas.RegisterTypeAlias(reflect.TypeFor[policy.Document](), reflect.TypeFor[map[string]any]())
	schemas.RegisterTypeAlias(reflect.TypeFor[map[policy.Kind]json.RawMessage](), reflect.TypeFor[givenPolicies]())
	d := &document{api: &huma.OpenAPI{
		OpenAPI: "3.1.0",
		Info:    &huma.Info{Title: "rolecall", Version: cmp.Or(version, "0"), Description: about},
		Components: &huma.Components{
			Schemas: schemas,
			SecuritySchemes: map[string]*huma.SecurityScheme{
				byToken:   {Type: "http", Scheme: "bearer", Description: "rco_… is an operator's, rcs_… of an organization, and rcl_… of a setup link: the last part of its URL."},
				byRaw:     {Type: "apiKey", In: "header", Name: "Authorization", Description: "The token alone, as SDKs send AWS_CONTAINER_AUTHORIZATION_TOKEN."},
				bySession: {Type: "apiKey", In: "cookie", Name: "__Host-rolecall", Description: "Of who signed in with a browser. Over plain http, on loopback, its name is rolecall-{port}."},
			},
		},
		Servers:  []*huma.Server{{URL: "/"}},
		Security: []map[string][]string{{byToken: {}}},
	}}
	d.api.Components.Responses = map[string]*huma.Response{"Problem": d.problem()}
	// A connection may lack its bucket until the holder of a setup link gives it.
	d.schema(reflect.TypeFor[rolecall.Connection]())
	d.api.Components.Schemas.Map()["DeclaredConnection"].Required = []string{"purpose"}
	// In a merge patch null resets a member.
	d.schema(reflect.TypeFor[service.OrganizationPatch]())
	patch := d.api.Components.Schemas.Map()["OrganizationPatch"].Properties
	patch["jobs"].Enum = append(patch["jobs"].Enum, nil)
	patch["limits"] = &huma.Schema{AnyOf: []*huma.Schema{patch["limits"], {Type: "null"}}}
	return d
}

const about = "Work on files in other people's S3 buckets, safely. Errors are problems (RFC 9457), which list all that is wrong. A method that a path does not take is answered with 405 and Allow, " +
	"a path that is not here with 404, another host than the service's own with 421."

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
	out := &huma.Schema{Type: huma.TypeObject, AdditionalProperties: false, Properties: map[string]*huma.Schema{}}
	for _, kind := range []policy.Kind{
		policy.TrustDocument, policy.PermissionsDocument, policy.BoundaryDocument, policy.BucketDocument, policy.KeyDocument, policy.WorkerDocument, policy.SCPDocument, policy.RCPDocument,
	} {
		out.Properties[string(kind)] = &huma.Schema{OneOf: []*huma.Schema{document, {Type: huma.TypeArray, Items: document}}}
	}
	return out
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
	kindProblem    = "application/problem+json"
	kindOpenAPI    = "application/openapi+json"
)

// Who asks: the ways that a request says it.
const (
	byToken   = "token"
	byRaw     = "container"
	bySession = "session"
)

// inPaths says what the parameters of paths are.
var inPaths = map[string]string{
	"org": "The organization's api_name.", "name": "The name of the connection or secret: 1 to 63 letters, digits and characters of ._-, the first a letter or digit.", "id": "As lists and what was made say it.",
}

// nameIn is the schema of a parameter of paths.
func nameIn(parameter string) *huma.Schema {
	form := map[string]string{"org": formAPIName, "name": formName}[parameter]
	return &huma.Schema{Type: huma.TypeString, Pattern: form, MaxLength: pointer(63)}
}

var pathParameter = regexp.MustCompile(`\{([a-z]+)\}`)

// add describes a route.
func (d *document) add(rt route, out reflect.Type) {
	op := &huma.Operation{OperationID: rt.id, Method: rt.method, Path: rt.path, Summary: rt.summary, Description: rt.about, Responses: map[string]*huma.Response{}}
	text := &huma.Schema{Type: "string"}
	for _, match := range pathParameter.FindAllStringSubmatch(rt.path, -1) {
		op.Parameters = append(op.Parameters, &huma.Param{Name: match[1], In: "path", Required: true, Description: inPaths[match[1]], Schema: nameIn(match[1])})
	}
	switch {
	case rt.open:
		op.Security = []map[string][]string{{}}
	case rt.id == "getCredentials":
		op.Security = []map[string][]string{{byToken: {}}, {byRaw: {}}}
	case rt.method == http.MethodGet:
		op.Security = []map[string][]string{{byToken: {}}, {bySession: {}}}
	}
	if rt.lists {
		op.Parameters = append(op.Parameters,
			&huma.Param{Name: "limit", In: "query", Description: "At most so many results.", Schema: &huma.Schema{Type: "integer", Minimum: pointer(1.0), Maximum: pointer(200.0), Default: 50}},
			&huma.Param{Name: "cursor", In: "query", Description: "next of the page before.", Schema: text})
	}
	for _, q := range rt.query {
		schema := &huma.Schema{Type: "string"}
		for _, value := range q.of {
			schema.Enum = append(schema.Enum, value)
		}
		op.Parameters = append(op.Parameters, &huma.Param{Name: q.name, In: "query", Description: q.description, Schema: schema})
	}
	if rt.creates {
		op.Parameters = append(op.Parameters, &huma.Param{Name: "Idempotency-Key", In: "header", Description: "Makes the request repeatable for 24 hours: it is answered as before, and makes nothing again. An answer that held a secret is not kept: 409.", Schema: &huma.Schema{Type: "string", MaxLength: pointer(maxKey)}})
	}
	if rt.changes {
		op.Parameters = append(op.Parameters,
			&huma.Param{Name: "If-Match", In: "header", Description: "The ETag of what is to be changed, or * for any; else 412.", Schema: text},
			&huma.Param{Name: "If-None-Match", In: "header", Description: "* only makes what is not there yet; else 412.", Schema: text})
	}
	if slices.Contains(rt.kinds, kindEvents) {
		op.Parameters = append(op.Parameters, &huma.Param{Name: "Last-Event-ID", In: "header", Description: "Id of the last event that was seen; those after it come.", Schema: text})
	}
	if rt.triable() {
		op.Parameters = append(op.Parameters, &huma.Param{Name: "dry_run", In: "query", Description: "Checks and answers as ever, and changes nothing.", Schema: &huma.Schema{Type: "boolean", Default: false}})
	}
	if rt.body != nil {
		op.RequestBody = &huma.RequestBody{Required: !rt.optional, Description: "At most 1 MiB.", Content: map[string]*huma.MediaType{kindJSON: {Schema: d.schema(rt.body)}}}
		if rt.method == http.MethodPatch {
			op.RequestBody.Content[kindMergePatch] = op.RequestBody.Content[kindJSON]
		}
	}
	done := &huma.Response{Description: http.StatusText(rt.status)}
	if rt.status != http.StatusNoContent {
		done.Content = map[string]*huma.MediaType{}
		for _, kind := range rt.kinds {
			done.Content[kind] = &huma.MediaType{Schema: text}
			if kind == kindOpenAPI {
				done.Content[kind].Schema = &huma.Schema{Type: huma.TypeObject, AdditionalProperties: true}
			}
		}
		if rt.kinds == nil || slices.Contains(rt.kinds, kindJSON) {
			done.Content[kindJSON] = &huma.MediaType{Schema: d.schema(out)}
		}
	}
	done.Headers = map[string]*huma.Param{"X-Request-Id": {Description: "Names the request in the log and in audit records.", Schema: text}}
	if rt.revisions {
		done.Headers["ETag"] = &huma.Param{Description: "The revision, for If-Match.", Schema: text}
	}
	if rt.locates {
		done.Headers["Location"] = &huma.Param{Description: "Path of what was made; left out of a dry run.", Schema: text}
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
	if !rt.open {
		op.Responses["default"] = &huma.Response{Ref: problemRef}
	}
	d.api.AddOperation(op)
}

// problemRef is where the one description of all problems is.
const problemRef = "#/components/responses/Problem"

// problem describes the answer to what is refused.
func (d *document) problem() *huma.Response {
	text := &huma.Schema{Type: "string"}
	return &huma.Response{
		Description: "A problem: 400, 413, 415 and 422 say what was sent wrongly; 401, that no token is valid; 403, what its role may not; 404, what is not there or is another's; " +
			"409, what it conflicts with; 412, that it was changed meanwhile; 429 and 503, to try again later.",
		Headers: map[string]*huma.Param{
			"X-Request-Id": {Description: "Names the request in the log and in audit records.", Schema: text},
			"Retry-After":  {Description: "With 429 and 503: seconds until it may be tried again.", Schema: text},
		},
		Content: map[string]*huma.MediaType{kindProblem: {Schema: d.schema(reflect.TypeFor[Problem]())}},
	}
}

// refusals returns the statuses that a route refuses with.
func (rt route) refusals() []int {
	if rt.open {
		return nil
	}
	all := []int{
		http.StatusBadRequest, http.StatusUnauthorized, http.StatusForbidden, http.StatusUnprocessableEntity,
		http.StatusMisdirectedRequest, http.StatusTooManyRequests, http.StatusInternalServerError, http.StatusServiceUnavailable,
	}
	if strings.Contains(rt.path, "{") {
		all = append(all, http.StatusNotFound)
	}
	if rt.triable() || rt.conflicts {
		all = append(all, http.StatusConflict)
	}
	if rt.changes {
		all = append(all, http.StatusPreconditionFailed)
	}
	if rt.body != nil {
		all = append(all, http.StatusRequestEntityTooLarge, http.StatusUnsupportedMediaType)
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

// unready describes the other answer of getReadiness.
func (d *document) unready() {
	not := *d.api.Paths["/readyz"].Get.Responses["200"]
	not.Description = http.StatusText(http.StatusServiceUnavailable)
	d.api.Paths["/readyz"].Get.Responses["503"] = &not
}

func pointer[T any](v T) *T { return &v }

// text returns the document, which is made once. A client that was made from it must bear members
// of answers that come later; those of bodies must be known. What both have is
// there twice.
func (d *document) text() (text []byte, err error) {
	if d.made == nil {
		d.describe()
		d.made, err = json.MarshalIndent(d.api, "", "  ")
	}
	return d.made, err
}

func (d *document) describe() {
	schemas := d.api.Components.Schemas.Map()
	for name, schema := range schemas {
		schema.Description = describedSchemas[name]
		for member, of := range schema.Properties {
			of.Description = ""
			if common, ok := described[member]; ok {
				common.apply(of)
			}
			if own, ok := describedIn[name][member]; ok {
				own.apply(of)
			}
		}
	}
	answers, bodies := map[string]bool{}, map[string]bool{}
	for _, path := range d.api.Paths {
		for _, op := range []*huma.Operation{path.Get, path.Post, path.Put, path.Patch, path.Delete} {
			if op == nil {
				continue
			}
			if op.RequestBody != nil {
				d.within(op.RequestBody.Content[kindJSON].Schema, bodies)
			}
			for _, answer := range op.Responses {
				for _, media := range answer.Content {
					d.within(media.Schema, answers)
				}
			}
		}
	}
	d.within(d.api.Components.Responses["Problem"].Content[kindProblem].Schema, answers)
	for _, name := range slices.Sorted(maps.Keys(bodies)) {
		if answers[name] {
			sent := copied(schemas[name])
			sent.AdditionalProperties = false
			schemas["Sent"+name] = sent
		}
	}
	for name, schema := range schemas {
		sent := bodies[name] && !answers[name] || strings.HasPrefix(name, "Sent")
		loosen(schema, !sent)
		if sent {
			eachRef(schema, func(of *huma.Schema) {
				if inner := named(of); answers[inner] {
					of.Ref = schemaRef + "Sent" + inner
				}
			})
		}
	}
}

const schemaRef = "#/components/schemas/"

// named returns the name of the schema that one refers to; nothing for none.
func named(s *huma.Schema) string { return strings.TrimPrefix(s.Ref, schemaRef) }

// within notes the names of all schemas that one leads to.
func (d *document) within(s *huma.Schema, names map[string]bool) {
	eachRef(s, func(of *huma.Schema) {
		if name := named(of); !names[name] {
			names[name] = true
			d.within(d.api.Components.Schemas.Map()[name], names)
		}
	})
}

// eachRef calls do with each reference in a schema.
func eachRef(s *huma.Schema, do func(*huma.Schema)) {
	if s == nil {
		return
	}
	if s.Ref != "" {
		do(s)
	}
	eachRef(s.Items, do)
	for _, member := range s.Properties {
		eachRef(member, do)
	}
	for _, several := range [][]*huma.Schema{s.AnyOf, s.OneOf} {
		for _, one := range several {
			eachRef(one, do)
		}
	}
	if additional, ok := s.AdditionalProperties.(*huma.Schema); ok {
		eachRef(additional, do)
	}
}

// copied returns a copy of a schema and its members.
func copied(s *huma.Schema) *huma.Schema {
	out := *s
	out.Properties = map[string]*huma.Schema{}
	for name, member := range s.Properties {
		of := *member
		out.Properties[name] = &of
	}
	return &out
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
