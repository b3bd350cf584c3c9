package admin_test

import (
	"context"
	"encoding/csv"
	"regexp"
	"strings"
	"testing"

	"github.com/tidwall/gjson"

	"conclave.chat/internal/ident"
	"conclave.chat/internal/mx"
	"conclave.chat/internal/room"
)

// A cell that begins as a formula does (OWASP, CSV injection) is none only where it is a number or a user id.
var (
	formula  = regexp.MustCompile(`^[=+\-@\t\r]`)
	harmless = regexp.MustCompile(`^(-?[0-9]+(\.[0-9]+)?|@[a-z0-9._=/+-]+:[a-z0-9.-]+)$`)
)

// No list gives a spreadsheet a formula that somebody typed as a name. The lists are those that the document says are given as CSV, so a new one
// is looked at too.
func TestNoListGivesFormulas(t *testing.T) {
	each(t, func(t *testing.T, h *harness) {
		const evil = `=HYPERLINK("http://192.0.2.1")`
		h.ok("POST", "people", M{"user_name": "mallory", "display_name": evil, "password": password})
		h.ok("POST", "invitations", M{"display_name": evil})
		id := h.room("mallory", room.Create{Preset: "public_chat", Name: evil})
		h.ok("POST", "holds", M{"case": evil, "reason": evil, "room": string(id)})
		h.ok("POST", "groups", M{"group_id": "desk", "name": evil})
		h.ok("POST", "groups/desk/members", M{"add": []mx.UserID{h.id("mallory")}})
		named := map[string]bool{"holds": true, "people": true, "groups": true, "groups/{groupId}/members": true, "invitations": true, "rooms": true, "rooms/{roomId}/members": true, "people/{userId}/security": true}
		_, err := h.accounts.Login(context.Background(), "mallory", password, ident.Client{Addr: "192.0.2.7", Name: evil})
		h.must(err)
		ids := strings.NewReplacer("{roomId}", string(id), "{userId}", string(h.id("mallory")), "{groupId}", "desk")
		gjson.ParseBytes(h.document()).Get("paths").ForEach(func(path, item gjson.Result) bool {
			name := strings.TrimPrefix(path.Str, "/_conclave/admin/v1/")
			if !item.Get(`get.responses.200.content.text/csv`).Exists() {
				return true
			}
			text := h.csv(ids.Replace(name))
			rows, err := csv.NewReader(strings.NewReader(text)).ReadAll()
			if err != nil || len(rows) == 0 {
				t.Errorf("%s is no CSV: %v %q", name, err, text)
			}
			for _, row := range rows {
				for _, cell := range row {
					if formula.MatchString(cell) && !harmless.MatchString(cell) {
						t.Errorf("%s has the formula %q", name, cell)
					}
				}
			}
			if named[name] && !strings.Contains(text, "'=HYPERLINK") {
				t.Errorf("%s lacks the name, so this test proves nothing: %s", name, text)
			}
			delete(named, name)
			return true
		})
		if len(named) != 0 {
			t.Errorf("not given as CSV: %v", named)
		}
	})
}
