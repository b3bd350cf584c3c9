package transcript

import (
	"fmt"
	"testing"
	"time"

	"conclave.chat/internal/archive/record"
)

// A receipt hangs on the message that was read, or the one that an edit or a reaction belongs to; of one that is not there it is a line of its own.
func TestReceiptsHangOnWhatWasRead(t *testing.T) {
	b, seq := New("!r"), uint64(0)
	add := func(r *record.Record) {
		r.Room, r.Time = "!r", time.UnixMilli(int64(1000*seq))
		b.Add(seq, r)
		seq++
	}
	say := func(id, typ, content string) {
		add(&record.Record{EventID: id, Sender: "@ann:x", Members: []string{"@ann:x", "@bob:x"}, Event: fmt.Appendf(nil,
			`{"type":%q,"sender":"@ann:x","depth":%d,"origin_server_ts":%d,"content":%s}`, typ, seq+1, 1000*seq, content)})
	}
	read := func(user, event string, ts int64) {
		r, err := record.Receipt("!r", user, record.Read{Event: event, Thread: "main", TS: ts})
		if err != nil {
			t.Fatal(err)
		}
		add(r)
	}
	say("$one", "m.room.message", `{"msgtype":"m.text","body":"one"}`)
	read("@bob:x", "$one", 1500)
	say("$edit", "m.room.message", `{"msgtype":"m.text","body":"* two","m.new_content":{"msgtype":"m.text","body":"two"},"m.relates_to":{"rel_type":"m.replace","event_id":"$one"}}`)
	read("@bob:x", "$edit", 2500)
	say("$like", "m.reaction", `{"m.relates_to":{"rel_type":"m.annotation","event_id":"$one","key":"+1"}}`)
	read("@carl:x", "$like", 3500)
	read("@bob:x", "$elsewhere", 4500)
	c := b.Conversation()
	if len(c.Messages) != 2 {
		t.Fatalf("%d messages", len(c.Messages))
	}
	got := ""
	for _, r := range c.Messages[0].Reads {
		got += fmt.Sprintf("%s %d %d, ", r.By, r.Seq, r.Time.UnixMilli())
	}
	if got != "@bob:x 1 1500, @bob:x 3 2500, @carl:x 5 3500, " {
		t.Errorf("read by %s", got)
	}
	if m := c.Messages[1]; m.Kind != Receipt || m.Related != "$elsewhere" || m.Sender != "@bob:x" || m.Sent.UnixMilli() != 4500 {
		t.Errorf("of a message that is not there: %+v", m)
	}
}
