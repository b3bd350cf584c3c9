package blackbox

import (
	"testing"

	"github.com/tidwall/gjson"

	"conclave.chat/test/harness"
)

// Who invited to a direct chat is told as long as the invitation is there, and afterwards beside the
// membership that replaced it: matrix-js-sdk shows the room under that name.
//
// Spec: cs#post_matrixclientv3roomsroomidinvite
// Spec: cs#stripped-state
func TestInvitationToADirectChat(t *testing.T) {
	harness.Each(t, func(t *testing.T, s *harness.Server) {
		alice, bob := s.Register("alice"), s.Register("bob")
		first := bob.Sync("")
		room := alice.CreateRoom(harness.M{"preset": "trusted_private_chat", "is_direct": true, "invite": []string{bob.ID}, "room_version": "11"})
		invited := bob.Sync(first.Get("next_batch").Str)
		events := invited.Get("rooms.invite." + gjson.Escape(room) + ".invite_state.events")
		mine := events.Get(`#(state_key=="` + bob.ID + `")`)
		if mine.Get("sender").Str != alice.ID || !mine.Get("content.is_direct").Bool() || !events.Get(`#(type=="m.room.join_rules")`).Exists() {
			t.Errorf("the invitation: %s", events.Raw)
		}
		bob.Join(room)
		for what, answer := range map[string]gjson.Result{"at once": bob.Sync(invited.Get("next_batch").Str), "from the start": bob.Sync("")} {
			in := joined(answer, room)
			join := in.Get(`timeline.events.#(state_key=="` + bob.ID + `")#|@reverse|0`)
			if was := join.Get("unsigned"); !was.Get("prev_content.is_direct").Bool() || was.Get("prev_content.membership").Str != "invite" || was.Get("prev_sender").Str != alice.ID {
				t.Errorf("%s: the join does not tell of the invitation: %s", what, in.Raw)
			}
		}
	})
}
