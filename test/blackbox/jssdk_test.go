package blackbox

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/tidwall/gjson"

	"conclave.chat/test/harness"
)

const unstable = "/_matrix/client/unstable/"

// refused checks the status and the error code of a request.
func refused(t *testing.T, u *harness.User, method, path string, body any, status int, code string) {
	t.Helper()
	if got, a := u.Do(method, path, body); got != status || a.Get("errcode").Str != code {
		t.Errorf("%s %s: %d %s, not %d %s", method, path, got, a.Raw, status, code)
	}
}

// with gives a path a query.
func with(path string, pairs ...string) string {
	q := url.Values{}
	for i := 0; i < len(pairs); i += 2 {
		q.Set(pairs[i], pairs[i+1])
	}
	return path + "?" + q.Encode()
}

// What matrix-js-sdk asks, in its order, from signing in to its second /sync.
//
// Spec: cs#get_matrixclientversions
// Spec: cs#get_matrixclientv3capabilities
// Spec: cs#get_matrixclientv3voipturnserver
// Spec: cs#get_matrixclientv3room_keysversion
// Spec: cs#get_matrixclientv3useruseridfilterfilterid
// Spec: cs#post_matrixclientv3useruseridfilter
// Spec: MSC4143
// Spec: MSC4222
func TestJSSDKStarts(t *testing.T) {
	harness.Each(t, func(t *testing.T, s *harness.Server) {
		alice, bob := s.Register("alice"), s.Register("bob")
		room := bob.CreateRoom(harness.M{"preset": "public_chat", "name": "A room"})
		alice.Join(room)
		alice = alice.Login()

		refused(t, alice, "GET", harness.API+"/room_keys/version", nil, http.StatusNotFound, "M_NOT_FOUND")
		if a := alice.Must("GET", harness.API+"/voip/turnServer", nil); a.Raw != "{}" {
			t.Errorf("relays that nobody set up: %s", a.Raw)
		}
		versions := alice.Must("GET", "/_matrix/client/versions", nil)
		for minor := range 20 {
			if want := fmt.Sprintf("v1.%d", minor); minor > 0 && !slices.ContainsFunc(versions.Get("versions").Array(), func(v gjson.Result) bool { return v.Str == want }) {
				t.Errorf("%s is not among the versions", want)
			}
		}
		for _, feature := range []string{
			"org.matrix.simplified_msc3575", "org.matrix.msc4222", "org.matrix.msc4140", "org.matrix.msc3814", "uk.half-shot.msc2666.query_mutual_rooms",
		} {
			if !versions.Get("unstable_features." + gjson.Escape(feature)).Bool() {
				t.Errorf("%s is not among the features", feature)
			}
		}
		if rules := alice.Must("GET", harness.API+"/pushrules/", nil); !rules.Get("global.underride.#").Exists() || !rules.Get("global.postcontent").Exists() && !rules.Get("global.content").Exists() {
			t.Errorf("push rules: %s", rules.Raw)
		}
		if c := alice.Must("GET", harness.API+"/capabilities", nil).Get("capabilities"); c.Get(`m\.room_versions.default`).Str == "" || c.Get(`m\.room_versions.available.12`).Str != "stable" {
			t.Errorf("capabilities: %s", c.Raw)
		}
		if a := alice.Must("GET", unstable+"org.matrix.msc4143/rtc/transports", nil); !a.Get("rtc_transports").IsArray() {
			t.Errorf("transports: %s", a.Raw)
		}
		filters := harness.Path("user", alice.ID, "filter")
		filter := harness.M{"room": harness.M{"timeline": harness.M{"unread_thread_notifications": true}, "state": harness.M{"lazy_load_members": true}}}
		id := alice.Must("POST", filters, filter).Get("filter_id").Str
		if strings.HasPrefix(id, "{") {
			t.Errorf("the filter id %q reads like an inline filter", id)
		}
		if got := alice.Must("GET", filters+"/"+id, nil); !got.Get("room.state.lazy_load_members").Bool() {
			t.Errorf("the filter came back as %s", got.Raw)
		}

		inline := `{"room":{"timeline":{"unread_thread_notifications":true,"limit":20},"state":{"lazy_load_members":true}}}`
		first := alice.Must("GET", with(harness.API+"/sync", "filter", inline, "timeout", "0", "org.matrix.msc4222.use_state_after", "true", "_cacheBuster", "1795000000000"), nil)
		in := joined(first, room)
		if after := in.Get(`org\.matrix\.msc4222\.state_after.events`); !after.Get(`#(type=="m.room.name")`).Exists() || in.Get("state").Exists() {
			t.Errorf("the room's state after the timeline: %s", in.Raw)
		}
		if !in.Get("unread_notifications.notification_count").Exists() || !in.Get("summary").Exists() {
			t.Errorf("the room has no counts or no summary: %s", in.Raw)
		}
		if !first.Get("device_one_time_keys_count").IsObject() || !first.Get("device_unused_fallback_key_types").IsArray() {
			t.Errorf("an account without keys is not asked for any: %s", first.Raw)
		}

		alice.Must("POST", harness.API+"/keys/upload", harness.M{"one_time_keys": harness.M{}, "fallback_keys": harness.M{}})
		if q := alice.Must("POST", harness.API+"/keys/query", harness.M{"timeout": 10000, "device_keys": harness.M{alice.ID: []any{}, bob.ID: []any{}}}); !q.Get("device_keys").IsObject() || !q.Get("failures").IsObject() {
			t.Errorf("keys: %s", q.Raw)
		}
		alice.Must("PUT", harness.Path("user", alice.ID, "account_data", "im.vector.setting.breadcrumbs"), harness.M{"recent_rooms": []string{room}})
		next := alice.Must("GET", with(harness.API+"/sync", "filter", id, "timeout", "30000", "since", first.Get("next_batch").Str, "set_presence", "unavailable", "org.matrix.msc4222.use_state_after", "true"), nil)
		if !next.Get(`account_data.events.#(type=="im.vector.setting.breadcrumbs")`).Exists() {
			t.Errorf("account data that was just written is not in the writer's own /sync: %s", next.Raw)
		}
		if !next.Get("device_one_time_keys_count").Exists() {
			t.Errorf("device_one_time_keys_count is not always sent: %s", next.Raw)
		}
	})
}

// With state_after a client reads no state from the timeline: its own leaving is among the state, also where it had been invited only.
//
// Spec: MSC4222
func TestOwnLeavingIsInStateAfter(t *testing.T) {
	harness.Each(t, func(t *testing.T, s *harness.Server) {
		alice, bob := s.Register("alice"), s.Register("bob")
		for _, joins := range []bool{false, true} {
			room := bob.CreateRoom(harness.M{"preset": "private_chat", "invite": []string{alice.ID}})
			if joins {
				alice.Must("POST", harness.Path("rooms", room, "join"), harness.M{})
			}
			first := alice.Must("GET", with(harness.API+"/sync", "timeout", "0", "use_state_after", "true"), nil)
			alice.Must("POST", harness.Path("rooms", room, "leave"), harness.M{})
			next := alice.Must("GET", with(harness.API+"/sync", "timeout", "0", "use_state_after", "true", "since", first.Get("next_batch").Str), nil)
			own := next.Get("rooms.leave." + gjson.Escape(room) + `.state_after.events.#(state_key=="` + alice.ID + `")`)
			if own.Get("content.membership").Str != "leave" {
				t.Errorf("joined %v: state_after says of the user %s", joins, own.Raw)
			}
		}
	})
}

// What matrix-js-sdk asks while it runs, under the names that it still uses.
//
// Spec: MSC2666
// Spec: MSC3266
// Spec: MSC3814
// Spec: cs#get_matrixclientv1auth_metadata
func TestJSSDKAsksUnderOldNames(t *testing.T) {
	harness.Each(t, func(t *testing.T, s *harness.Server) {
		alice, bob := s.Register("alice"), s.Register("bob")
		room := alice.CreateRoom(harness.M{"preset": "public_chat", "name": "A room"})
		bob.Join(room)

		refused(t, alice, "GET", "/_matrix/client/v1/auth_metadata", nil, http.StatusNotFound, "M_UNRECOGNIZED")
		if a := alice.Must("GET", with(unstable+"uk.half-shot.msc2666/user/mutual_rooms", "user_id", bob.ID), nil); a.Get("joined.0").Str != room {
			t.Errorf("mutual rooms: %s", a.Raw)
		}
		summary := alice.Must("GET", unstable+"im.nheko.summary/summary/"+url.PathEscape(room), nil)
		if summary.Get("room_id").Str != room || summary.Get("num_joined_members").Int() != 2 || summary.Get("membership").Str != "join" {
			t.Errorf("the summary: %s", summary.Raw)
		}
		refused(t, alice, "GET", unstable+"org.matrix.msc3814.v1/dehydrated_device", nil, http.StatusNotFound, "M_NOT_FOUND")
		refused(t, alice, "POST", harness.API+"/refresh", harness.M{"refresh_token": "x"}, http.StatusUnauthorized, "M_UNKNOWN_TOKEN")
		// Whoever is not told that they are an administrator is none.
		if status, a := alice.Do("GET", "/_synapse/admin/v1/users/"+url.PathEscape(alice.ID)+"/admin", nil); status/100 != 4 || a.Get("errcode").Str == "" {
			t.Errorf("am I an administrator? %d %s", status, a.Raw)
		}
		if a := alice.Must("GET", harness.Path("rooms", room, "aliases"), nil); !a.Get("aliases").IsArray() {
			t.Errorf("aliases: %s", a.Raw)
		}
		// Cross-signing keys go to the unstable path; the first ones of an account need no password.
		if status, a := alice.Do("POST", unstable+"keys/device_signing/upload", harness.M{}); status == http.StatusNotFound {
			t.Errorf("device_signing/upload: %d %s", status, a.Raw)
		}
		left := alice.Must("POST", harness.Path("user", alice.ID, "filter"), harness.M{"room": harness.M{"timeline": harness.M{"limit": 1}, "include_leave": true}}).Get("filter_id").Str
		alice.Must("POST", harness.Path("rooms", room, "leave"), harness.M{})
		gone := alice.Must("GET", with(harness.API+"/sync", "filter", left, "timeout", "0", "org.matrix.msc4222.use_state_after", "true"), nil)
		if in := gone.Get("rooms.leave." + gjson.Escape(room)); in.Get("timeline.events.#").Int() != 1 || !in.Get(`org\.matrix\.msc4222\.state_after.events.#(type=="m.room.name")`).Exists() {
			t.Errorf("the room that was left: %s", gone.Raw)
		}
	})
}

// Timelines as matrix-js-sdk walks them: context, then /messages in both directions, threads and relations.
//
// Spec: cs#get_matrixclientv3roomsroomidcontexteventid
// Spec: cs#get_matrixclientv3roomsroomidmessages
// Spec: cs#get_matrixclientv1roomsroomidthreads
// Spec: cs#get_matrixclientv1roomsroomidrelationseventidreltype
// Spec: cs#get_matrixclientv1roomsroomidtimestamp_to_event
func TestJSSDKWalksTimelines(t *testing.T) {
	harness.Each(t, func(t *testing.T, s *harness.Server) {
		alice := s.Register("alice")
		room := alice.CreateRoom(harness.M{})
		var sent []string
		for i := range 12 {
			sent = append(sent, alice.Send(room, "m.room.message", text(fmt.Sprint(i))))
		}
		root := sent[5]
		replies := []string{alice.Send(room, "m.room.message", related("a", "m.thread", root)), alice.Send(room, "m.room.message", related("b", "m.thread", root))}

		lazy := `{"lazy_load_members":true}`
		around := alice.Must("GET", with(harness.Path("rooms", room, "context", root), "limit", "4", "filter", lazy), nil)
		if around.Get("event.event_id").Str != root || around.Get("events_before.0.event_id").Str != sent[4] || around.Get("events_after.0.event_id").Str != sent[6] || !around.Get("state").IsArray() {
			t.Errorf("around an event: %s", around.Raw)
		}
		if latest := around.Get(`event.unsigned.m\.relations.m\.thread`); latest.Get("count").Int() != 2 || latest.Get("latest_event.event_id").Str != replies[1] || !latest.Get("current_user_participated").Bool() {
			t.Errorf("the thread's summary: %s", latest.Raw)
		}
		back := alice.Must("GET", with(harness.Path("rooms", room, "messages"), "from", around.Get("start").Str, "limit", "2", "dir", "b", "filter", lazy), nil)
		if back.Get("chunk.0.event_id").Str != sent[2] {
			t.Errorf("before the context: %s", back.Raw)
		}
		on := alice.Must("GET", with(harness.Path("rooms", room, "messages"), "from", around.Get("end").Str, "limit", "2", "dir", "f", "filter", lazy), nil)
		if on.Get("chunk.0.event_id").Str != sent[8] {
			t.Errorf("after the context: %s", on.Raw)
		}
		threads := alice.Must("GET", with("/_matrix/client/v1/rooms/"+room+"/threads", "limit", "20", "dir", "b", "include", "all", "filter", lazy), nil)
		if threads.Get("chunk.#").Int() != 1 || threads.Get("chunk.0.event_id").Str != root {
			t.Errorf("threads: %s", threads.Raw)
		}
		relations := "/_matrix/client/v1/rooms/" + room + "/relations/" + root + "/m.thread"
		page := alice.Must("GET", with(relations, "dir", "b", "limit", "1", "recurse", "true"), nil)
		if page.Get("chunk.0.event_id").Str != replies[1] || page.Get("next_batch").Str == "" {
			t.Errorf("the thread from its end: %s", page.Raw)
		}
		page = alice.Must("GET", with(relations, "dir", "b", "limit", "1", "recurse", "true", "from", page.Get("next_batch").Str), nil)
		if page.Get("chunk.0.event_id").Str != replies[0] {
			t.Errorf("the thread's next page: %s", page.Raw)
		}
		first := alice.Must("GET", with("/_matrix/client/v1/rooms/"+room+"/timestamp_to_event", "ts", "0", "dir", "f"), nil)
		if e := alice.Must("GET", harness.Path("rooms", room, "event", first.Get("event_id").Str), nil); e.Get("type").Str != "m.room.create" {
			t.Errorf("the first event: %s", e.Raw)
		}
	})
}
