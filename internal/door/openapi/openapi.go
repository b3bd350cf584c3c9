// Package openapi describes routes as an OpenAPI 3.1 document, from the same table that serves them.
//
// Each operation carries its route and the Go types that its handler takes and gives; their JSON Schemas are read off the types, so the
// document cannot say something else than the code does. Struct tags add what types cannot: doc is a description, enum the values that
// a string may have. It refuses types that it cannot describe, by a panic when the table is made.
package openapi

import (
	"reflect"
	"regexp"
	"slices"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"conclave.chat/internal/door"
	"conclave.chat/internal/gate"
)

// Param is a query parameter.
type Param struct {
	Name string
	Doc  string
	Type string   // JSON type; empty for string
	Enum []string // values it may have
}

// Operation is a route with what is to be said of it.
type Operation struct {
	door.Route
	ID      string // names the operation in programs that are made from the document
	Summary string
	Query   []Param
	Header  []Param
	Body    reflect.Type // nil: none
	BodyAs  []string     // further media types of the body, as text
	Answer  reflect.Type
	Also    []string // further media types of the answer, as text
}

// Document is what is said of the whole.
type Document struct {
	Title, Description, Version string
	Paths                       map[string]string // what wildcards in paths are
}

type object = map[string]any

// Build makes the document.
func (d Document) Build(ops []Operation) ([]byte, error) {
	s := schemas{known: object{}, types: map[string]reflect.Type{}}
	paths := object{}
	for i := range ops {
		op := &ops[i]
		item, _ := paths[op.Path].(object)
		if item == nil {
			item = object{}
			paths[op.Path] = item
		}
		item[strings.ToLower(op.Method)] = d.operation(&s, op)
	}
	s.known["Error"] = object{
		"type": "object", "required": []string{"errcode", "error"},
		"properties": object{
			"errcode": object{"type": "string", "description": "Matrix error code, e.g. M_NOT_FOUND"},
			"error":   object{"type": "string", "description": "What is wrong, for people"},
		},
	}
	data, err := json.Marshal(object{
		"openapi": "3.1.0",
		"info":    object{"title": d.Title, "description": d.Description, "version": d.Version},
		"servers": []object{{"url": "/"}},
		"paths":   paths,
		"components": object{
			"schemas":         s.known,
			"securitySchemes": object{"token": object{"type": "http", "scheme": "bearer", "description": "An access token of Matrix's POST /_matrix/client/v3/login"}},
		},
	}, json.Deterministic(true), jsontext.WithIndent(" "))
	return data, err
}

var wildcard = regexp.MustCompile(`\{(\w+)\}`)

func (d Document) operation(s *schemas, op *Operation) object {
	o := object{
		"operationId": op.ID, "summary": op.Summary, "tags": []string{tag(op.Path)},
		"responses": object{
			"200":     object{"description": "Done", "content": content(s.of(op.Answer), op.Also)},
			"default": object{"description": "Refused", "content": content(object{"$ref": "#/components/schemas/Error"}, nil)},
		},
	}
	if op.Access == gate.Admin {
		o["description"] = "For administrators."
	}
	if op.Access != gate.Open {
		o["security"] = []object{{"token": []string{}}}
	}
	var params []object
	for _, m := range wildcard.FindAllStringSubmatch(op.Path, -1) {
		params = append(params, object{"name": m[1], "in": "path", "required": true, "description": d.Paths[m[1]], "schema": object{"type": "string"}})
	}
	for in, list := range map[string][]Param{"query": op.Query, "header": op.Header} {
		for _, p := range list {
			params = append(params, p.describe(in))
		}
	}
	slices.SortStableFunc(params, func(a, b object) int { return strings.Compare(text(b["in"]), text(a["in"])) })
	if params != nil {
		o["parameters"] = params
	}
	if op.Body != nil || op.BodyAs != nil {
		var schema object
		if op.Body != nil {
			schema = s.of(op.Body)
		}
		o["requestBody"] = object{"required": true, "content": content(schema, op.BodyAs)}
	}
	return o
}

func text(v any) string { s, _ := v.(string); return s }

func (p Param) describe(in string) object {
	schema := object{"type": "string"}
	if p.Type != "" {
		schema["type"] = p.Type
	}
	if p.Enum != nil {
		schema["enum"] = p.Enum
	}
	return object{"name": p.Name, "in": in, "description": p.Doc, "schema": schema}
}

// content is a body in JSON, unless it has no schema, and in further media types.
func content(schema object, also []string) object {
	c := object{}
	if schema != nil {
		c["application/json"] = object{"schema": schema}
	}
	for _, a := range also {
		c[a] = object{"schema": object{"type": "string"}}
	}
	return c
}

// tag groups operations by the first part of their path that is not the API's.
func tag(path string) string {
	parts := strings.Split(strings.Trim(path, "/"), "/")
	for i, p := range parts {
		if p == "v1" && i+1 < len(parts) {
			return strings.TrimSuffix(parts[i+1], ".json")
		}
	}
	return parts[0]
}

// schemas are the named types met so far.
type schemas struct {
	known object
	types map[string]reflect.Type
}

// Namer is a type that says how it is called in the document.
type Namer interface{ SchemaName() string }

func (s *schemas) of(t reflect.Type) object {
	switch t.Kind() {
	case reflect.Pointer:
		inner := s.of(t.Elem())
		if kind, ok := inner["type"].(string); ok {
			inner["type"] = []string{kind, "null"}
			return inner
		}
		return object{"anyOf": []object{inner, {"type": "null"}}}
	case reflect.String:
		return object{"type": "string"}
	case reflect.Bool:
		return object{"type": "boolean"}
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		return object{"type": "integer"}
	case reflect.Float64:
		return object{"type": "number"}
	case reflect.Slice:
		if t == reflect.TypeFor[jsontext.Value]() {
			return object{}
		}
		return object{"type": "array", "items": s.of(t.Elem())}
	case reflect.Map:
		return object{"type": "object", "additionalProperties": s.of(t.Elem())}
	case reflect.Interface:
		return object{}
	case reflect.Struct:
		return s.object(t)
	default:
		panic("openapi: no schema for " + t.String())
	}
}

// object describes a struct, by name where it has one.
func (s *schemas) object(t reflect.Type) object {
	name := t.Name()
	if n, ok := reflect.Zero(t).Interface().(Namer); ok {
		name = n.SchemaName()
	}
	if name == "" {
		return s.members(t)
	}
	name = strings.ToUpper(name[:1]) + name[1:]
	if other := s.types[name]; other != nil && other != t {
		panic("openapi: " + other.String() + " and " + t.String() + " are both called " + name)
	}
	if s.known[name] == nil {
		s.types[name] = t
		s.known[name] = object{} // it may contain itself
		s.known[name] = s.members(t)
	}
	return object{"$ref": "#/components/schemas/" + name}
}

func (s *schemas) members(t reflect.Type) object {
	o := object{"type": "object"}
	props, required := object{}, []string{}
	var add func(reflect.Type)
	add = func(t reflect.Type) {
		for i := range t.NumField() {
			f := t.Field(i)
			if f.Anonymous && f.Tag.Get("json") == "" {
				add(f.Type)
				continue
			}
			name, options, _ := strings.Cut(f.Tag.Get("json"), ",")
			if name == "" || name == "-" {
				continue
			}
			schema := s.of(f.Type)
			if doc := f.Tag.Get("doc"); doc != "" {
				schema = withDoc(schema, doc)
			}
			if enum := f.Tag.Get("enum"); enum != "" {
				schema["enum"] = strings.Fields(enum)
			}
			props[name] = schema
			if !strings.Contains(options, "omit") && f.Tag.Get("optional") == "" {
				required = append(required, name)
			}
		}
	}
	add(t)
	if len(props) > 0 {
		o["properties"] = props
	}
	if len(required) > 0 {
		o["required"] = required
	}
	return o
}

func withDoc(schema object, doc string) object {
	out := object{"description": doc}
	for k, v := range schema {
		out[k] = v
	}
	return out
}
