package client

import (
	"net/url"
	"strings"
	"testing"
)

// Every endpoint that writes to rooms refuses what is malformed with the error that the specification has for it, and never with a 500.
func TestRoomEndpointsRefuseBadInput(t *testing.T) {
	eachRooms(t, func(t *testing.T, r *rooms) {
		event := url.PathEscape(r.ok("PUT", r.at("send/m.room.message/0"), r.bob.Token, "{}").str("event_id"))
		alias := v3 + "directory/room/" + url.PathEscape("#x:hs1")
		deep := strings.Repeat(`{"a":`, 200) + "1" + strings.Repeat("}", 200)
		long := strings.Repeat("x", 300)
		type refusal struct {
			method, path string
			body         any
			status       int
			code         string
		}
		list := []refusal{}
		// JSON that is none, or not of the right shape.
		for path, method := range map[string]string{
			v3 + "createRoom": "POST", v3 + "join/" + r.id: "POST", r.at("join"): "POST", v3 + "knock/" + r.id: "POST", r.at("leave"): "POST",
			r.at("invite"): "POST", r.at("kick"): "POST", r.at("ban"): "POST", r.at("unban"): "POST", r.at("upgrade"): "POST", alias: "PUT",
			v3 + "directory/list/room/" + r.id: "PUT", r.at("send/m.x/a"): "PUT", r.at("state/m.x"): "PUT", r.at("state/m.x/k"): "PUT",
			r.at("redact/%s/a", event): "PUT",
		} {
			list = append(list,
				refusal{method, path, `{"a":`, 400, "M_NOT_JSON"}, refusal{method, path, "{\"a\":\"\xff\"}", 400, "M_NOT_JSON"},
				refusal{method, path, `{"a":1,"a":2}`, 400, "M_BAD_JSON"}, refusal{method, path, `[]`, 400, "M_BAD_JSON"},
				refusal{method, path, deep, 400, "M_BAD_JSON"}, refusal{method, path, `{} {}`, 400, "M_NOT_JSON"},
			)
		}
		// Ids that are none.
		for _, path := range []string{"join", "leave", "forget", "invite", "kick", "ban", "unban", "upgrade"} {
			body := map[string]any{"user_id": r.carol.ID, "new_version": "12"}
			list = append(list, refusal{"POST", v3 + "rooms/nonsense/" + path, body, 400, "M_INVALID_PARAM"})
		}
		for _, path := range []string{"invite", "kick", "ban", "unban"} {
			list = append(list,
				refusal{"POST", r.at("%s", path), `{}`, 400, "M_MISSING_PARAM"}, refusal{"POST", r.at("%s", path), `{"user_id":7}`, 400, "M_BAD_JSON"},
				refusal{"POST", r.at("%s", path), `{"user_id":"bob"}`, 400, "M_INVALID_PARAM"},
				refusal{"POST", r.at("%s", path), `{"user_id":"@bob:hs1","reason":{}}`, 400, "M_BAD_JSON"},
				refusal{"POST", r.at("%s", path), `{"user_id":"@` + long + `:hs1"}`, 400, "M_INVALID_PARAM"},
			)
		}
		list = append(list,
			refusal{"POST", r.at("invite"), `{"medium":"email","address":"a@b.c","id_server":"x","id_access_token":"y"}`, 403, "M_THREEPID_DENIED"},
			refusal{"POST", v3 + "join/nonsense", nil, 400, "M_INVALID_PARAM"}, refusal{"POST", v3 + "join/%23x", nil, 400, "M_INVALID_PARAM"},
			refusal{"POST", v3 + "join/%23none:hs1", nil, 404, "M_NOT_FOUND"}, refusal{"POST", v3 + "join/%23none:elsewhere", nil, 404, "M_NOT_FOUND"},
			refusal{"POST", v3 + "join/!none:hs1", nil, 403, "M_FORBIDDEN"}, refusal{"POST", v3 + "knock/%23none:hs1", nil, 404, "M_NOT_FOUND"},
			refusal{"POST", v3 + "join/" + r.id, `{"reason":7}`, 400, "M_BAD_JSON"}, refusal{"POST", r.at("leave"), `{"reason":7}`, 400, "M_BAD_JSON"},
			refusal{"POST", v3 + "createRoom", `{"room_version":1}`, 400, "M_BAD_JSON"},
			refusal{"POST", v3 + "createRoom", `{"room_version":"ahfgwjyerhgiuveisbruvybseyrugvi"}`, 400, "M_UNSUPPORTED_ROOM_VERSION"},
			refusal{"POST", v3 + "createRoom", `{"invite":"x"}`, 400, "M_BAD_JSON"}, refusal{"POST", v3 + "createRoom", `{"initial_state":[{"type":"x"}]}`, 400, "M_BAD_JSON"},
			refusal{"POST", v3 + "createRoom", `{"creation_content":[]}`, 400, "M_BAD_JSON"},
			refusal{"POST", v3 + "createRoom", `{"name":"` + strings.Repeat("x", 70_000) + `"}`, 413, "M_TOO_LARGE"},
			refusal{"POST", v3 + "createRoom", `{"topic":"a\u0000b"}`, 200, ""},
			refusal{"POST", v3 + "createRoom", `{"room_alias_name":"a\u0000b"}`, 400, "M_INVALID_PARAM"},
			refusal{"POST", r.at("upgrade"), `{}`, 400, "M_MISSING_PARAM"}, refusal{"POST", r.at("upgrade"), `{"new_version":7}`, 400, "M_BAD_JSON"},
			refusal{"POST", r.at("upgrade"), `{"new_version":"12","additional_creators":["x"]}`, 400, "M_INVALID_PARAM"},
			refusal{"PUT", v3 + "directory/room/x", `{"room_id":"!a:hs1"}`, 400, "M_INVALID_PARAM"}, refusal{"PUT", alias, `{}`, 400, "M_MISSING_PARAM"},
			refusal{"PUT", alias, `{"room_id":"x"}`, 400, "M_INVALID_PARAM"}, refusal{"PUT", alias, `{"room_id":"!none:hs1"}`, 403, "M_FORBIDDEN"},
			refusal{"GET", v3 + "directory/room/x", nil, 400, "M_INVALID_PARAM"}, refusal{"DELETE", v3 + "directory/room/x", nil, 400, "M_INVALID_PARAM"},
			refusal{"PUT", v3 + "directory/list/room/" + r.id, `{"visibility":"hidden"}`, 400, "M_INVALID_PARAM"},
			refusal{"PUT", v3 + "directory/list/room/!none:hs1", `{}`, 404, "M_NOT_FOUND"},
			refusal{"PUT", v3 + "rooms/nonsense/send/m.x/1", `{}`, 400, "M_INVALID_PARAM"}, refusal{"PUT", v3 + "rooms/!none:hs1/send/m.x/1", `{}`, 403, "M_FORBIDDEN"},
			refusal{"PUT", v3 + "rooms/!none:hs1/state/m.x", `{}`, 403, "M_FORBIDDEN"}, refusal{"PUT", v3 + "rooms/!none:hs1/redact/$x/1", `{}`, 403, "M_FORBIDDEN"},
			refusal{"PUT", r.at("redact/nonsense/1"), `{}`, 400, "M_INVALID_PARAM"}, refusal{"PUT", r.at("redact/$none/1"), `{}`, 404, "M_NOT_FOUND"},
			refusal{"PUT", r.at("redact/%s/1", event), `{"reason":7}`, 400, "M_BAD_JSON"},
			refusal{"PUT", r.at("send/m.x/2"), nil, 400, "M_NOT_JSON"}, refusal{"PUT", r.at("state/m.x"), nil, 400, "M_NOT_JSON"},
			refusal{"PUT", r.at("send/m.x/%s", strings.Repeat("t", 600)), `{}`, 400, "M_INVALID_PARAM"},
			refusal{"PUT", r.at("send/%s/3", long), `{}`, 413, "M_TOO_LARGE"}, refusal{"PUT", r.at("state/m.x/%s", long), `{}`, 413, "M_TOO_LARGE"},
			refusal{"PUT", r.at("send/m.x/4"), `{"a":1.1}`, 400, "M_BAD_JSON"}, refusal{"PUT", r.at("send/m.x/5"), `{"a":9007199254740992}`, 400, "M_BAD_JSON"},
			refusal{"PUT", r.at("send/m.x/6"), `{"a":Infinity}`, 400, "M_NOT_JSON"}, refusal{"PUT", r.at("send/m.x/7"), `{"a":"\ud800"}`, 400, "M_BAD_JSON"},
			refusal{"PUT", r.at("send/m.x/8"), `{"a":"` + strings.Repeat("x", 70_000) + `"}`, 413, "M_TOO_LARGE"},
			refusal{"PUT", r.at("state/m.x"), `{"a":"` + strings.Repeat("x", 70_000) + `"}`, 413, "M_TOO_LARGE"},
			refusal{"PUT", r.at("send/m.x/8"), strings.Repeat(" ", 600_000), 413, "M_TOO_LARGE"},
			refusal{"PUT", r.at("send/m%%00x/9"), `{}`, 400, "M_INVALID_PARAM"}, refusal{"PUT", r.at("state/m.x/%%00"), `{}`, 400, "M_INVALID_PARAM"},
			refusal{"PUT", r.at("send/m.x/%%00"), `{}`, 400, "M_INVALID_PARAM"}, refusal{"PUT", r.at("send/m.x/%%ff"), `{}`, 400, "M_INVALID_PARAM"},
			refusal{"PUT", r.at("send/m%%ffx/9"), `{}`, 400, "M_INVALID_PARAM"}, refusal{"PUT", r.at("redact/$%%00/9"), `{}`, 400, "M_INVALID_PARAM"},
			refusal{"PUT", r.at("send/m.room.member/1"), `{"membership":"join"}`, 403, "M_FORBIDDEN"},
			refusal{"PUT", r.at("send/m.room.create/1"), `{}`, 400, "M_BAD_JSON"},
			refusal{"PUT", r.at("send/m.room.redaction/1"), `{}`, 400, "M_INVALID_PARAM"}, refusal{"PUT", r.at("send/m.room.redaction/1"), `{"redacts":7}`, 400, "M_INVALID_PARAM"},
			refusal{"PUT", r.at("state/m.room.member/bob"), `{"membership":"join"}`, 400, "M_INVALID_PARAM"},
			refusal{"PUT", r.at("state/m.room.member/@bob:hs1"), `{"membership":"resident"}`, 400, "M_BAD_JSON"},
			refusal{"PUT", r.at("state/m.room.member/@bob:hs1"), `{}`, 400, "M_BAD_JSON"},
			refusal{"PUT", r.at("state/m.room.member/@carol:hs1"), `{"membership":"join"}`, 403, "M_FORBIDDEN"},
			refusal{"PUT", r.at("state/m.room.power_levels"), `{"ban":"50"}`, 400, "M_BAD_JSON"}, refusal{"PUT", r.at("state/m.room.power_levels"), `{"users":{"x":1}}`, 400, "M_BAD_JSON"},
			refusal{"PUT", r.at("state/m.room.canonical_alias"), `{"alias":"%x"}`, 400, "M_INVALID_PARAM"},
			refusal{"PUT", r.at("state/m.room.canonical_alias"), `{"alias":"#none:hs1"}`, 400, "M_BAD_ALIAS"},
		)
		for _, c := range list {
			a := r.do(c.method, c.path, r.alice.Token, c.body)
			code, _ := a.JSON["errcode"].(string)
			if a.Status != c.status || code != c.code {
				text, _ := c.body.(string)
				t.Errorf("%s %.80s %.60s: %d %s, want %d %s: %.200s", c.method, c.path, text, a.Status, code, c.status, c.code, a.Raw)
			}
		}
	})
}
