package client

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/tidwall/gjson"

	"conclave.chat/internal/directory"
	"conclave.chat/internal/door"
	"conclave.chat/internal/fault"
	"conclave.chat/internal/gate"
	"conclave.chat/internal/history"
	"conclave.chat/internal/mx"
	"conclave.chat/internal/store"
	"conclave.chat/internal/store/eventlog"
	"conclave.chat/internal/store/storetest"
	"conclave.chat/internal/visibility"
	"conclave.chat/test/roomlog"
)

// reader serves the reading part of the API over rooms that a test writes. A token is the name of its user.
type reader struct {
	*roomlog.Log
	t    *testing.T
	door http.Handler
}

func (r *reader) Authenticate(_ context.Context, token string) (gate.Caller, error) {
	if token == "expired" {
		return gate.Caller{}, fault.New(fault.Unauthorized, "M_UNKNOWN_TOKEN", "unknown token")
	}
	return gate.Caller{User: mx.NewUserID(token, testServer), Device: "DEV", Locked: token == "locked", Suspended: token == "suspended"}, nil
}

// Resolve finds the room of an alias.
func (r *reader) Resolve(ctx context.Context, alias mx.RoomAlias) (mx.RoomID, error) {
	a, err := eventlog.AliasOf(ctx, r.DB, alias)
	if err != nil {
		return "", err
	}
	return a.Room, nil
}

func eachReader(t *testing.T, run func(*testing.T, *reader)) {
	t.Helper()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		r := &reader{Log: roomlog.New(t, db), t: t}
		limits, err := gate.NewLimiter(gate.Limits{})
		if err != nil {
			t.Fatal(err)
		}
		h := New(Deps{
			Server:    testServer,
			History:   history.New(history.Deps{DB: db, Rooms: r, Views: visibility.NewViews(db), Now: func() time.Time { return time.UnixMilli(r.TS) }}),
			Directory: directory.New(directory.Deps{DB: db, Rooms: r, Server: testServer}),
		})
		r.door = door.New(door.Deps{Auth: r, Limits: limits, Log: testLog(t), Metrics: door.NewMetrics(prometheus.NewRegistry())},
			h.historyRoutes(), h.relationRoutes(), h.searchRoutes(), h.reportRoutes(), h.directoryRoutes())
		run(t, r)
	})
}

// call makes a request and checks its status and errcode.
func (r *reader) call(method, path, token, body string, status int, code string) gjson.Result {
	r.t.Helper()
	r.Flush()
	req := httptest.NewRequest(method, "/_matrix/client/"+path, strings.NewReader(body))
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	w := httptest.NewRecorder()
	r.door.ServeHTTP(w, req)
	got := gjson.ParseBytes(w.Body.Bytes())
	if w.Code != status || got.Get("errcode").Str != code || !gjson.ValidBytes(w.Body.Bytes()) {
		r.t.Errorf("%s %s: %d %s, want %d %q", method, path, w.Code, w.Body, status, code)
	}
	return got
}

func (r *reader) get(path, token string) gjson.Result {
	r.t.Helper()
	return r.call("GET", path, token, "", 200, "")
}

const (
	annie mx.UserID = "@annie:hs1"
	ben   mx.UserID = "@ben:hs1"
)

// Spec: cs#get_matrixclientv3roomsroomidmessages
// Spec: cs#get_matrixclientv3roomsroomidcontexteventid
// Spec: cs#get_matrixclientv3roomsroomideventeventid
// Spec: cs#get_matrixclientv3roomsroomidstate
// Spec: cs#get_matrixclientv3roomsroomidstateeventtypestatekey
// Spec: cs#get_matrixclientv3roomsroomidmembers
// Spec: cs#get_matrixclientv3roomsroomidjoined_members
// Spec: cs#get_matrixclientv3roomsroomidinitialsync
func TestReadingARoom(t *testing.T) {
	eachReader(t, func(t *testing.T, r *reader) {
		room := r.Room(annie, "")
		r.Set(room, annie, mx.TypeName, "", `{"name":"A \"room\""}`)
		r.Set(room, annie, "m.thing", "a/b c", `{"x":1}`)
		r.Set(room, annie, mx.TypeMember, string(ben), `{"membership":"join","displayname":"Ben"}`)
		msg := r.Say(room, annie, "hello")
		base := "v3/rooms/" + url.PathEscape(string(room)) + "/"

		page := r.get(base+"messages?dir=b&limit=2", "ben")
		if page.Get("chunk.#").Int() != 2 || page.Get("chunk.0.content.body").Str != "hello" || !page.Get("start").Exists() || page.Get("state").Exists() {
			t.Errorf("messages: %s", page)
		}
		page = r.get(base+"messages?dir=b&limit=100&from="+page.Get("end").Str+"&filter="+url.QueryEscape(`{"lazy_load_members":true}`), "ben")
		if page.Get("chunk.#").Int() != 4 || page.Get("end").Exists() || page.Get("state.#").Int() != 1 {
			t.Errorf("the rest: %s", page)
		}
		around := r.get(base+"context/"+string(msg.ID)+"?limit=2", "ben")
		if around.Get("event.content.body").Str != "hello" || around.Get("events_before.#").Int() != 1 || !around.Get("events_after").IsArray() ||
			around.Get("state.#").Int() != 5 || !around.Get("start").Exists() || !around.Get("end").Exists() {
			t.Errorf("context: %s", around)
		}
		if e := r.get(base+"event/"+string(msg.ID), "ben"); e.Get("event_id").Str != string(msg.ID) || e.Get("room_id").Str != string(room) {
			t.Errorf("event: %s", e)
		}
		if s := r.get(base+"state", "ben"); len(s.Array()) != 5 {
			t.Errorf("state: %s", s)
		}
		for _, path := range []string{"state/m.room.name", "state/m.room.name/", "state/m.room.name?format=content"} {
			if s := r.get(base+path, "ben"); s.Raw != `{"name":"A \"room\""}` {
				t.Errorf("%s: %s", path, s)
			}
		}
		if s := r.get(base+"state/m.room.name/?format=event", "ben"); s.Get("content.name").Str == "" || s.Get("event_id").Str == "" || s.Get("room_id").Str != string(room) {
			t.Errorf("state event: %s", s)
		}
		if s := r.get(base+"state/m.thing/a%2Fb%20c", "ben"); s.Get("x").Int() != 1 {
			t.Errorf("state with an odd key: %s", s)
		}
		if m := r.get(base+"members?membership=join", "ben"); m.Get("chunk.#").Int() != 2 {
			t.Errorf("members: %s", m)
		}
		j := r.get("r0/rooms/"+string(room)+"/joined_members", "ben")
		if want := `{"@annie:hs1":{"display_name":null,"avatar_url":null},"@ben:hs1":{"display_name":"Ben","avatar_url":null}}`; !sameJSON(j.Get("joined").Raw, want) {
			t.Errorf("joined members: %s", j)
		}
		p := r.get(base+"initialSync?limit=1", "ben")
		if p.Get("messages.chunk.#").Int() != 1 || p.Get("membership").Str != "join" || p.Get("visibility").Str != "private" || p.Get("state.#").Int() != 5 {
			t.Errorf("initialSync: %s", p)
		}
	})
}

func sameJSON(a, b string) bool {
	x, y := gjson.Parse(a), gjson.Parse(b)
	if !x.IsObject() || !y.IsObject() {
		return x.Raw == y.Raw
	}
	m, n := x.Map(), y.Map()
	for k, v := range m {
		if !sameJSON(v.Raw, n[k].Raw) {
			return false
		}
	}
	return len(m) == len(n)
}

// Spec: cs#get_matrixclientv1roomsroomidrelationseventid
// Spec: cs#get_matrixclientv1roomsroomidrelationseventidreltype
// Spec: cs#get_matrixclientv1roomsroomidrelationseventidreltypeeventtype
// Spec: cs#get_matrixclientv1roomsroomidthreads
// Spec: cs#get_matrixclientv1roomsroomidtimestamp_to_event
func TestRelationRoutes(t *testing.T) {
	eachReader(t, func(t *testing.T, r *reader) {
		room := r.Room(annie, "")
		root := r.Say(room, annie, "root")
		reply := r.Relate(room, annie, root.ID, "m.thread", "")
		r.Relate(room, annie, reply.ID, "m.reference", "")
		base := "v1/rooms/" + string(room) + "/"
		for path, want := range map[string]string{
			"": "1 ", "?recurse=false": "1 1", "?recurse=true": "2 4", "/m.thread": "1 ", "/m.thread/m.room.message": "1 ", "/m.thread/m.other": "0 ",
			"/m.replace": "0 ", "?limit=1&dir=f&recurse=true": "1 4",
		} {
			page := r.get(base+"relations/"+string(root.ID)+path, "annie")
			if got := page.Get("chunk.#").Raw + " " + page.Get("recursion_depth").Raw; got != want {
				t.Errorf("%q: %s, want %s", path, got, want)
			}
			if paged := strings.Contains(path, "limit"); page.Get("next_batch").Exists() != paged {
				t.Errorf("%q: %s", path, page)
			}
		}
		for _, include := range []string{"", "?include=all", "?include=participated&limit=1"} {
			page := r.get(base+"threads"+include, "annie")
			if page.Get("chunk.0.event_id").Str != string(root.ID) || !page.Get(`chunk.0.unsigned.m\.relations.m\.thread.latest_event`).Exists() {
				t.Errorf("threads: %s", page)
			}
		}
		at := r.get(fmt.Sprintf("%stimestamp_to_event?dir=f&ts=%d", base, root.TS), "annie")
		if at.Get("event_id").Str != string(root.ID) || at.Get("origin_server_ts").Int() != root.TS {
			t.Errorf("timestamp_to_event: %s", at)
		}
	})
}

// Spec: cs#post_matrixclientv3search
func TestSearchRoute(t *testing.T) {
	eachReader(t, func(t *testing.T, r *reader) {
		room := r.Room(annie, "")
		for i := range 3 {
			r.Say(room, annie, fmt.Sprint("find me ", i))
		}
		found := r.call("POST", "v3/search", "annie", `{"search_categories":{"room_events":{"search_term":"find","order_by":"recent",
			"keys":["content.body"],"filter":{"limit":2,"rooms":["`+string(room)+`"]},"include_state":true,
			"event_context":{"before_limit":1,"include_profile":true},"groupings":{"group_by":[{"key":"room_id"},{"key":"sender"}]}}}}`, 200, "").
			Get("search_categories.room_events")
		if found.Get("count").Int() != 3 || found.Get("results.#").Int() != 2 || found.Get("highlights.0").Str != "find" {
			t.Errorf("found: %s", found)
		}
		if r := found.Get("results.1"); r.Get("result.content.body").Str != "find me 1" || r.Get("context.events_before.#").Int() != 1 ||
			r.Get("context.events_after.0.content.body").Str != "find me 2" || !r.Get(`context.profile_info.@annie:hs1`).Exists() || r.Get("rank").Type != gjson.Number {
			t.Errorf("find: %s", r)
		}
		if g := found.Get("groups.sender.@annie:hs1"); g.Get("results.#").Int() != 2 || g.Get("order").Int() != 1 || g.Get("next_batch").Str == "" {
			t.Errorf("group: %s", g)
		}
		if found.Get("state").Map()[string(room)].Get("#").Int() != 2 || found.Get("groups.room_id.#").Exists() {
			t.Errorf("state: %s", found.Get("state"))
		}
		next := r.call("POST", "v3/search?next_batch="+found.Get("next_batch").Str, "annie",
			`{"search_categories":{"room_events":{"search_term":"find","order_by":"recent","filter":{"limit":2}}}}`, 200, "").Get("search_categories.room_events")
		if next.Get("results.#").Int() != 1 || next.Get("next_batch").Exists() {
			t.Errorf("next page: %s", next)
		}
		r.call("POST", "v3/search", "annie", `{"search_categories":{}}`, 200, "")
	})
}

// Spec: cs#post_matrixclientv3roomsroomidreport
// Spec: cs#post_matrixclientv3roomsroomidreporteventid
// Spec: cs#post_matrixclientv3usersuseridreport
func TestReportRoutes(t *testing.T) {
	eachReader(t, func(t *testing.T, r *reader) {
		room := r.Room(annie, "")
		msg := r.Say(room, annie, "x")
		r.call("POST", "v3/rooms/"+string(room)+"/report", "ben", `{"reason":""}`, 200, "")
		r.call("POST", "v3/rooms/!unknown:hs1/report", "ben", `{"reason":"x"}`, 200, "")
		r.call("POST", "v3/rooms/"+string(room)+"/report/"+string(msg.ID), "annie", `{"score":-100}`, 200, "")
		r.call("POST", "v3/rooms/"+string(room)+"/report/"+string(msg.ID), "ben", `{}`, 404, "M_NOT_FOUND")
		r.call("POST", "v3/rooms/!unknown:hs1/report/"+string(msg.ID), "ben", `{}`, 404, "M_NOT_FOUND")
		r.call("POST", "v3/users/@nobody:hs1/report", "ben", `{"reason":"x"}`, 200, "")
	})
}

// Each endpoint refuses what it cannot understand, and strangers, with the specification's codes.
func TestReadingBadInput(t *testing.T) {
	eachReader(t, func(t *testing.T, r *reader) {
		room := r.Room(annie, "")
		msg := r.Say(room, annie, "x")
		v3, v1 := "v3/rooms/"+string(room)+"/", "v1/rooms/"+string(room)+"/"
		for path, want := range map[string]string{
			v3 + "messages":                                          "400 M_MISSING_PARAM",
			v3 + "messages?dir=up":                                   "400 M_INVALID_PARAM",
			v3 + "messages?dir=b&limit=-1":                           "400 M_INVALID_PARAM",
			v3 + "messages?dir=b&limit=many":                         "400 M_INVALID_PARAM",
			v3 + "messages?dir=b&from=nonsense":                      "400 M_INVALID_PARAM",
			v3 + "messages?dir=b&filter={":                           "400 M_NOT_JSON",
			v3 + "messages?dir=b&filter=[]":                          "400 M_BAD_JSON",
			v3 + "messages?dir=b&filter=%7B%22types%22:%5B%00%5D%7D": "400 M_NOT_JSON",
			"v3/rooms/nonsense/messages?dir=b":                       "400 M_INVALID_PARAM",
			"v3/rooms/!a%00:hs1/messages?dir=b":                      "400 M_INVALID_PARAM",
			"v3/rooms/!unknown:hs1/messages?dir=b":                   "403 M_FORBIDDEN",
			v3 + "context/$unknown":                                  "404 M_NOT_FOUND",
			v3 + "context/nonsense":                                  "400 M_INVALID_PARAM",
			v3 + "context/" + string(msg.ID) + "?limit=x":            "400 M_INVALID_PARAM",
			v3 + "event/$unknown":                                    "404 M_NOT_FOUND",
			v3 + "event/$%FF":                                        "400 M_INVALID_PARAM",
			"v3/rooms/!unknown:hs1/event/" + string(msg.ID):          "404 M_NOT_FOUND",
			"v3/rooms/!unknown:hs1/state":                            "403 M_FORBIDDEN",
			v3 + "state/m.unknown":                                   "404 M_NOT_FOUND",
			v3 + "state/m.room.create/?format=pdu":                   "400 M_INVALID_PARAM",
			v3 + "state/m.room.create/%00":                           "404 M_NOT_FOUND",
			v3 + "members?membership=sleeping":                       "400 M_INVALID_PARAM",
			v3 + "members?at=x":                                      "400 M_INVALID_PARAM",
			"v3/rooms/!unknown:hs1/joined_members":                   "403 M_FORBIDDEN",
			v3 + "initialSync?limit=x":                               "400 M_INVALID_PARAM",
			v1 + "relations/" + string(msg.ID) + "?limit=0":          "400 M_INVALID_PARAM",
			v1 + "relations/" + string(msg.ID) + "?recurse=maybe":    "400 M_INVALID_PARAM",
			v1 + "relations/" + string(msg.ID) + "?from=x":           "400 M_INVALID_PARAM",
			v1 + "relations/" + string(msg.ID) + "/%00":              "400 M_INVALID_PARAM",
			v1 + "relations/$unknown":                                "404 M_NOT_FOUND",
			v1 + "threads?limit=0":                                   "400 M_INVALID_PARAM",
			v1 + "threads?include=some":                              "400 M_INVALID_PARAM",
			v1 + "threads?from=x":                                    "400 M_INVALID_PARAM",
			"v1/rooms/!unknown:hs1/threads":                          "403 M_FORBIDDEN",
			v1 + "timestamp_to_event?dir=f":                          "400 M_INVALID_PARAM",
			v1 + "timestamp_to_event?ts=1":                           "400 M_MISSING_PARAM",
			v1 + "timestamp_to_event?ts=1.5&dir=f":                   "400 M_INVALID_PARAM",
			v1 + "timestamp_to_event?ts=99999999999999&dir=f":        "404 M_NOT_FOUND",
		} {
			status, code, _ := strings.Cut(want, " ")
			n := map[string]int{"400": 400, "403": 403, "404": 404}[status]
			r.call("GET", path, "annie", "", n, code)
			r.call("GET", path, "", "", 401, "M_MISSING_TOKEN")
			r.call("GET", path, "expired", "", 401, "M_UNKNOWN_TOKEN")
			r.call("GET", path, "locked", "", 401, "M_USER_LOCKED")
		}
		search := func(criteria string) string { return `{"search_categories":{"room_events":` + criteria + `}}` }
		for body, code := range map[string]string{
			"": "M_NOT_JSON", "{": "M_NOT_JSON", "[]": "M_BAD_JSON", "{}": "M_MISSING_PARAM", search("[]"): "M_BAD_JSON", search("{}"): "M_MISSING_PARAM",
			search(`{"search_term":1}`): "M_BAD_JSON", search(`{"search_term":"a","search_term":"b"}`): "M_BAD_JSON",
			search(`{"search_term":"a","keys":["content.secret"]}`): "M_INVALID_PARAM", search(`{"search_term":"a","order_by":"luck"}`): "M_INVALID_PARAM",
			search(`{"search_term":"a","groupings":{"group_by":[{"key":"x"}]}}`): "M_INVALID_PARAM",
			search(`{"search_term":"a","filter":{"limit":-1}}`):                  "M_INVALID_PARAM", search(`{"search_term":"a","filter":{"rooms":["x"]}}`): "M_INVALID_PARAM",
			search(`{"search_term":"a","event_context":{"before_limit":-1}}`): "M_INVALID_PARAM",
			search(`{"search_term":"` + strings.Repeat("a", 2000) + `"}`):     "M_INVALID_PARAM",
		} {
			r.call("POST", "v3/search", "annie", body, 400, code)
		}
		r.call("POST", "v3/search?next_batch=x", "annie", search(`{"search_term":"a"}`), 400, "M_INVALID_PARAM")
		for _, path := range []string{v3 + "report", v3 + "report/" + string(msg.ID), "v3/users/" + string(ben) + "/report"} {
			r.call("POST", path, "annie", `{"reason":1}`, 400, "M_BAD_JSON")
			r.call("POST", path, "annie", "nonsense", 400, "M_NOT_JSON")
			r.call("POST", path, "annie", `{"reason":"`+strings.Repeat("a", 5000)+`"}`, 400, "M_INVALID_PARAM")
			r.call("POST", path, "annie", `{"reason":"\u0000"}`, 400, "M_INVALID_PARAM")
		}
		r.call("POST", v3+"report", "annie", `{}`, 400, "M_MISSING_PARAM")
		r.call("POST", "v3/users/nobody/report", "annie", `{"reason":"x"}`, 400, "M_INVALID_PARAM")
	})
}
