package room_test

import (
	"context"
	"fmt"
	"testing"

	"conclave.chat/internal/mx"
	"conclave.chat/internal/room"
)

// Spec: cs#threading
// Spec: cs#avoiding-duplicate-annotations
// Spec: cs#forming-relationships-between-events
func TestThreadsOfEvents(t *testing.T) {
	n := open(t, "sqlite")
	ctx := context.Background()
	r := n.create(t, alice, room.Create{})
	relate := func(to mx.EventID, typ string) room.Draft {
		return room.Draft{Room: r, Sender: alice, Type: mx.TypeMessage, Content: fmt.Appendf(nil,
			`{"body":"x","m.relates_to":{"rel_type":%q,"event_id":%q,"key":"k"}}`, typ, to)}
	}
	is := func(what string, id, thread, to mx.EventID, typ string) {
		t.Helper()
		ev, err := wire(t, n.db, n.bus).Event(ctx, id) // from the database
		must(t, err)
		if ev.Thread != thread || ev.RelatesTo != to || ev.RelType != typ {
			t.Errorf("%s: thread %q, %s of %q; want %q, %s of %q", what, ev.Thread, ev.RelType, ev.RelatesTo, thread, typ, to)
		}
	}
	root := n.send(t, message(r, alice, "root"))
	is("root", root, "", "", "")
	first := n.send(t, relate(root, "m.thread"))
	is("first", first, root, root, "m.thread")
	edit := n.send(t, relate(first, "m.replace"))
	is("edit in the thread", edit, root, first, "m.replace")
	reaction := n.send(t, relate(root, "m.annotation"))
	is("reaction to the root", reaction, "", root, "m.annotation")
	deep := n.send(t, relate(edit, "m.reference"))
	is("reference to the edit", deep, root, edit, "m.reference")
	reply := n.send(t, room.Draft{Room: r, Sender: alice, Type: mx.TypeMessage, Content: fmt.Appendf(nil,
		`{"body":"x","m.relates_to":{"m.in_reply_to":{"event_id":%q}}}`, first)})
	is("a reply alone", reply, "", "", "")
	lost := n.send(t, relate("$nothing", "m.thread"))
	is("thread of an unknown root", lost, "", "$nothing", "m.thread")

	_, err := n.Append(ctx, relate(first, "m.thread"))
	refused(t, "a thread in a thread", err, "M_UNKNOWN")
	_, err = n.Append(ctx, relate(root, "m.annotation"))
	refused(t, "the same reaction", err, "M_DUPLICATE_ANNOTATION")
	_, err = n.Redact(ctx, room.Redaction{Room: r, By: alice, Event: reaction})
	must(t, err)
	is("redacted reaction", reaction, "", "", "")
	n.send(t, relate(root, "m.annotation"))

	elsewhere := n.create(t, alice, room.Create{})
	d := relate(first, "m.replace")
	d.Room = elsewhere
	is("relation into another room", n.send(t, d), "", first, "m.replace")

	// Who is not in the room learns nothing of the events that they name.
	for _, to := range []mx.EventID{first, "$nothing"} {
		d := relate(to, "m.thread")
		d.Sender = bob
		_, err := n.Append(ctx, d)
		refused(t, "a stranger's thread", err, "M_FORBIDDEN")
	}
}
