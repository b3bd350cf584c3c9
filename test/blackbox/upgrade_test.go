package blackbox

import (
	"fmt"
	"testing"

	"conclave.chat/test/harness"
)

// Push rules and tags follow everybody into the replacement, its maker too, whether the server made
// it or a client did by hand.
//
// Spec: cs#post_matrixclientv3roomsroomidupgrade
func TestSettingsFollowAnUpgrade(t *testing.T) {
	harness.Each(t, func(t *testing.T, s *harness.Server) {
		for _, byHand := range []bool{false, true} {
			t.Run(fmt.Sprintf("by hand=%v", byHand), func(t *testing.T) {
				alice, bob := s.Register(fmt.Sprintf("alice-%v", byHand)), s.Register(fmt.Sprintf("bob-%v", byHand))
				old := alice.CreateRoom(harness.M{"preset": "public_chat", "room_version": "10"})
				bob.Join(old)
				for _, u := range []*harness.User{alice, bob} {
					u.Must("PUT", pushRules+"/global/room/"+old, harness.M{"actions": []any{}})
					u.Must("PUT", harness.Path("user", u.ID, "rooms", old, "tags", "m.favourite"), harness.M{"order": 0.5})
				}
				since := alice.Sync("").Get("next_batch").Str
				var replacement string
				if byHand {
					replacement = alice.CreateRoom(harness.M{"preset": "public_chat", "creation_content": harness.M{"predecessor": harness.M{"room_id": old}}})
					alice.Must("PUT", harness.Path("rooms", old, "state", "m.room.tombstone", ""), harness.M{"body": "moved", "replacement_room": replacement})
				} else {
					replacement = alice.Must("POST", harness.Path("rooms", old, "upgrade"), harness.M{"new_version": "11"}).Get("replacement_room").Str
				}
				bob.Join(replacement)
				for _, u := range []*harness.User{alice, bob} {
					if r := u.Must("GET", pushRules+"/global/room/"+replacement, nil); !r.Get("enabled").Bool() {
						t.Errorf("%s has the rule %s", u.ID, r.Raw)
					}
					if tags := u.Must("GET", harness.Path("user", u.ID, "rooms", replacement, "tags"), nil); !tags.Get(`tags.m\.favourite`).Exists() {
						t.Errorf("%s has the tags %s", u.ID, tags.Raw)
					}
				}
				if rules := alice.Sync(since).Get(`account_data.events.#(type=="m.push_rules").content.global.room.#.rule_id`); len(rules.Array()) != 2 {
					t.Errorf("alice's /sync tells of rules for %s", rules.Raw)
				}
			})
		}
	})
}
