// Package admin is the administrators' API below /_conclave/admin/v1: everything that the console's pages can do, for scripts too.
//
// Each file holds the operations on one topic. One table makes the routes and the OpenAPI document that
// GET /_conclave/admin/v1/openapi.json answers with. Lists are paged, filtered, sorted and given as CSV by the same code. A handler
// decodes its request, calls one service method and returns the answer; the services record each act in the audit log.
package admin

import (
	"reflect"

	"conclave.chat/internal/audit"
	"conclave.chat/internal/census"
	"conclave.chat/internal/door"
	"conclave.chat/internal/door/openapi"
	"conclave.chat/internal/gate"
	"conclave.chat/internal/group"
	"conclave.chat/internal/ident"
	"conclave.chat/internal/ident/enrol"
	"conclave.chat/internal/organisation"
	"conclave.chat/internal/retention"
	"conclave.chat/internal/room/steward"
	"conclave.chat/internal/store/auditlog"
	"conclave.chat/internal/subject"
)

const base = "/_conclave/admin/v1/"

// Deps are the services behind the API.
type Deps struct {
	Audit        *audit.Service
	Accounts     *ident.Service
	Enrol        *enrol.Service
	Organisation *organisation.Service
	Census       *census.Service
	Steward      *steward.Service
	Retention    *retention.Service
	Subject      *subject.Service
	Groups       *group.Service
	Nodes
	// Sources says of each setting where its value comes from that is not set at run time: file, environment or default.
	Sources map[string]string
}

// Handlers serves the API.
type Handlers struct {
	Deps
	document []byte
}

// New makes the handlers.
func New(d Deps) (*Handlers, error) {
	h := &Handlers{Deps: d}
	var err error
	h.document, err = openapi.Document{
		Title: "Conclave administration", Version: "1",
		Description: "Everything that the admin console does. Callers are administrators, with an access token in the Authorization header. " +
			"Errors are Matrix's: a JSON object with errcode and error. Times are milliseconds since 1970, UTC. Every act is in the audit log.",
		Paths: map[string]string{
			"userId": "A user id, e.g. @alice:example.org", "deviceId": "A device's id", "roomId": "A room id, e.g. !abc:example.org",
			"invitationId": "An invitation's id", "jobId": "A job's id", "holdId": "A legal hold's id", "groupId": "A group's id",
		},
	}.Build(h.operations())
	return h, err
}

// operations is the table of the API.
func (h *Handlers) operations() []openapi.Operation {
	var all []openapi.Operation
	for _, list := range [][]openapi.Operation{
		h.documentOperations(),
		h.peopleOperations(),
		h.subjectOperations(),
		h.groupOperations(),
		h.invitationOperations(),
		h.roomOperations(),
		h.dashboardOperations(),
		h.settingsOperations(),
		h.holdOperations(),
		h.auditOperations(),
	} {
		all = append(all, list...)
	}
	return all
}

// Routes lists the API.
func (h *Handlers) Routes() []door.Route {
	var routes []door.Route
	for _, op := range h.operations() {
		routes = append(routes, op.Route)
	}
	return routes
}

func (h *Handlers) documentOperations() []openapi.Operation {
	op := get("openapi.json", "getOpenAPI", "This document.", func(*door.Request) (map[string]any, error) { return nil, nil })
	op.Handle = func(*door.Request) (any, error) { return door.Raw(h.document), nil }
	return []openapi.Operation{op}
}

// none is an answer or a body with nothing in it.
type none struct{}

// SchemaName is how the document calls it.
func (none) SchemaName() string { return "Nothing" }

// get is an operation that reads.
func get[A any](path, id, summary string, handle func(*door.Request) (A, error), query ...openapi.Param) openapi.Operation {
	return openapi.Operation{
		Route: door.Route{Method: "GET", Path: base + path, Access: gate.Admin, Handle: func(r *door.Request) (any, error) { return handle(r) }},
		ID:    id, Summary: summary, Query: query, Answer: reflect.TypeFor[A](),
	}
}

// act is an operation that changes something. A body of type none is not looked at.
func act[B, A any](method, path, id, summary string, handle func(*door.Request, *B) (A, error)) openapi.Operation {
	op := openapi.Operation{
		Route: door.Route{Method: method, Path: base + path, Access: gate.Admin, MaxBody: smallBody},
		ID:    id, Summary: summary, Answer: reflect.TypeFor[A](),
	}
	takes := reflect.TypeFor[B]() != reflect.TypeFor[none]()
	if takes {
		op.Body = reflect.TypeFor[B]()
	}
	op.Handle = func(r *door.Request) (any, error) {
		var body B
		if takes {
			if err := r.Decode(&body); err != nil {
				return nil, err
			}
		}
		return handle(r, &body)
	}
	return op
}

// smallBody is the size limit where nothing long is to be said.
const smallBody = 64 << 10

// by is the caller as the audit log names them.
func by(r *door.Request) auditlog.Actor {
	return auditlog.Actor{Name: string(r.Caller.User), Device: r.Caller.Device, Addr: r.Addr}
}
