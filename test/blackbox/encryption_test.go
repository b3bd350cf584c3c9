package blackbox

import (
	"net/http"
	"testing"

	"conclave.chat/test/harness"
)

// TestNewRoomsAreEncrypted is about the default of an organisation that changes nothing.
func TestNewRoomsAreEncrypted(t *testing.T) {
	harness.Each(t, func(t *testing.T, s *harness.Server) {
		alice := s.Register("alice")
		room := alice.CreateRoom(harness.M{})
		state := alice.Must(http.MethodGet, harness.Path("rooms", room, "state", "m.room.encryption", ""), nil)
		if got := state.Get("algorithm").String(); got != "m.megolm.v1.aes-sha2" {
			t.Errorf("the room's encryption is %q", got)
		}
		send := func(kind string, content harness.M) (int, string) {
			status, a := alice.Do(http.MethodPut, harness.Path("rooms", room, "send", kind, kind+content["is"].(string)), content)
			return status, a.Get("errcode").String()
		}
		if status, code := send("m.room.message", harness.M{"is": "plain", "msgtype": "m.text", "body": "hello"}); status != http.StatusForbidden || code != "M_FORBIDDEN" {
			t.Errorf("a plain message got %d %s", status, code)
		}
		// What clients send in the clear, since it carries no words.
		for kind, content := range map[string]harness.M{
			"m.room.encrypted":         {"is": "sealed", "algorithm": "m.megolm.v1.aes-sha2", "ciphertext": "AA", "session_id": "s"},
			"m.room.message":           {"is": "request", "msgtype": "m.key.verification.request", "methods": []string{"m.sas.v1"}, "from_device": "D", "to": alice.ID, "body": "verify"},
			"m.key.verification.ready": {"is": "ready", "methods": []string{"m.sas.v1"}, "from_device": "D"},
		} {
			if status, code := send(kind, content); status != http.StatusOK {
				t.Errorf("%s got %d %s", kind, status, code)
			}
		}
	}, harness.Env("CONCLAVE_ROOMS_ENCRYPT=true"))
}
