package casefile

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json"
	"pgregory.net/rapid"

	"conclave.chat/internal/archive/query"
	"conclave.chat/internal/archive/record"
	"conclave.chat/internal/archive/transcript"
	"conclave.chat/internal/archive/unseal"
)

func TestSearch(t *testing.T) {
	f := newFirm(t)
	f.open()
	hello := f.say("!desk", "@ann:x", text("Größe der Prämie: 41, Straße"))
	f.say("!desk", "@ann:x", map[string]any{"membership": "join", "displayname": "Ann Lee"}, func(r *record.Record) {
		r.Event = []byte(`{"type":"m.room.member","state_key":"@ann:x","sender":"@ann:x","content":{"membership":"join","displayname":"Ann Lee"},"depth":2,"origin_server_ts":1}`)
	})
	sell := f.say("!desk", "@bob:x", text("sell at 41 now 👍"))
	edited := f.say("!desk", "@bob:x", map[string]any{"msgtype": "m.text", "body": "* keep it", "m.new_content": text("keep it"), "m.relates_to": map[string]any{"rel_type": "m.replace", "event_id": sell}})
	f.say("!desk", "@eve:x", nil, func(r *record.Record) {
		r.Event = fmt.Appendf(nil, `{"type":"m.room.redaction","sender":"@eve:x","content":{"redacts":%q,"reason":"compliance"},"depth":5,"origin_server_ts":1}`, sell)
	})
	pdf := f.say("!other", "@bob:x", map[string]any{"msgtype": "m.file", "body": "Plan [1].pdf", "url": "mxc://x/1"}, f.attach("x", "Plan [1].pdf", "application/pdf"))
	png := f.say("!other", "@bob:x", map[string]any{"msgtype": "m.image", "body": "chart.png", "url": "mxc://x/1"}, f.attach("y", "chart.png", "image/png"))
	chinese := f.say("!other", "@eve:x", text("我们明天卖出股票吗？"))
	japanese := f.say("!other", "@eve:x", text("サーバーのiPhoneを買い")) //nolint:gosmopolitan // what is tested
	hidden := f.say("!other", "@eve:x", map[string]any{"msgtype": "m.text", "body": "hi", "format": "org.matrix.custom.html", "formatted_body": "<p>the <b>se</b>cret</p><p>plan</p>"})
	f.close()
	c := f.opened(unseal.Scope{})
	for _, x := range []struct {
		name string
		s    Search
		want []string
	}{
		{"without accents", find("grosse praemie pramie"), nil},
		{"accents", find("GROSSE pramie"), []string{hello}},
		{"sharp s", find("strasse"), []string{hello}},
		{"all words", find("sell 41"), []string{sell}},
		{"phrase", find(`"at 41"`), []string{sell}},
		{"not a phrase", find(`"41 at"`), nil},
		{"prefix", find("pram*"), []string{hello}},
		{"not a prefix", find("pram"), nil},
		{"or", find("strasse OR now"), []string{hello, sell}},
		{"not", find("41 NOT now"), []string{hello}},
		{"minus", find("41 -now"), []string{hello}},
		{"emoji", find("👍"), []string{sell}},
		{"an edit", find("keep"), []string{edited}},
		{"within Chinese", find("卖出"), []string{chinese}},
		{"one character", find("票"), []string{chinese}},
		{"a character alone at the end", find("吗"), []string{chinese}},
		{"not there", find("出卖"), nil},
		{"Japanese with a long vowel", find("ーバー"), []string{japanese}},
		{"scripts mixed", find("バーのiphoneを買"), []string{japanese}},
		{"what only the HTML says", find(`"secret plan"`), []string{hidden}},
		{"file name", find(`"plan 1 pdf"`), []string{pdf}},
		{"file", Search{Filter: Filter{File: "plan [1]*"}}, []string{pdf}},
		{"part of a file's name", Search{Filter: Filter{File: "[1]"}}, []string{pdf}},
		{"file type", Search{Filter: Filter{FileType: "image/"}}, []string{png}},
		{"kind", Search{Filter: Filter{Kinds: []transcript.Kind{transcript.File, transcript.Image}}}, []string{pdf, png}},
		{"person by name, and word", Search{Query: query.Parse("41"), Filter: Filter{People: []string{"ann lee"}}}, []string{hello}},
		{"person by id", Search{Query: query.Parse("41"), Filter: Filter{People: []string{"@bob:x"}}}, []string{sell}},
		{"room by name", Search{Query: query.Parse("chart OR 41"), Filter: Filter{Rooms: []string{"OTHER"}}}, []string{png}},
		{"kind and word", Search{Query: query.Parse("chart OR 41"), Filter: Filter{Kinds: []transcript.Kind{transcript.Image}}}, []string{png}},
		{"file and word", Search{Query: query.Parse("pdf"), Filter: Filter{File: "*.pdf"}}, []string{pdf}},
	} {
		x.s.Limit = 100
		hits, more, err := c.Search(context.Background(), x.s)
		var got []string
		for _, h := range hits {
			got = append(got, h.Event)
		}
		if err != nil || more || !slices.Equal(got, x.want) {
			t.Errorf("%s: %v, want %v (%v)", x.name, got, x.want, err)
		}
	}
	hits, _, err := c.Search(context.Background(), Search{Query: query.Parse("sell"), Limit: 10})
	if err != nil || len(hits) != 1 || !hits[0].Edited || !hits[0].Deleted || hits[0].RoomName != "Desk" || !slices.Equal(hits[0].Marks, []query.Span{{Start: 0, End: 4}}) {
		t.Errorf("%+v %v", hits, err)
	}
	if hits, more, err := c.Search(context.Background(), Search{Query: query.Parse("41"), Limit: 1}); err != nil || !more || len(hits) != 1 {
		t.Errorf("one of two: %+v %v %v", hits, more, err)
	}
	if hits, more, err := c.Search(context.Background(), Search{Query: query.Parse("41"), Limit: 1, Offset: 1}); err != nil || more || len(hits) != 1 || hits[0].Event != sell {
		t.Errorf("the second: %+v %v %v", hits, more, err)
	}
	if _, _, err := c.Search(context.Background(), Search{Filter: Filter{Rooms: []string{"nowhere"}}, Limit: 1}); !errors.Is(err, ErrUnknown) {
		t.Errorf("a room that is not there: %v", err)
	}
}

func find(q string) Search { return Search{Query: query.Parse(q)} }

func TestSearchByTime(t *testing.T) {
	f := newFirm(t)
	f.open()
	base := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	var ids []string
	for i := range 5 {
		ids = append(ids, f.say("!desk", "@ann:x", text("hello"), func(r *record.Record) {
			r.Event = fmt.Appendf(nil, `{"type":"m.room.message","content":{"msgtype":"m.text","body":"hello"},"origin_server_ts":%d,"depth":1}`, base.Add(time.Duration(i)*time.Hour).UnixMilli())
		}))
	}
	f.close()
	c := f.opened(unseal.Scope{})
	for _, q := range []string{"hello", ""} {
		s := Search{Query: query.Parse(q), Limit: 10, Filter: Filter{Since: base.Add(time.Hour), Until: base.Add(3 * time.Hour)}}
		hits, _, err := c.Search(context.Background(), s)
		if err != nil || len(hits) != 2 || hits[0].Event != ids[1] || hits[1].Event != ids[2] {
			t.Errorf("%q: %+v %v", q, hits, err)
		}
	}
}

// What the index finds is what reading every text finds, for queries of any form.
func TestSearchFindsWhatReadingFinds(t *testing.T) {
	words := []string{"buy", "Sell", "BÖRSE", "boerse", "a-b", "41", "卖出", "股票卖", "👍", "x", "ﬁn", "the"}
	f := newFirm(t)
	f.open()
	var texts []string
	gen := rapid.SliceOfN(rapid.SampledFrom(words), 0, 6)
	for i := range 60 {
		body := strings.Join(gen.Example(i), []string{" ", ", ", ""}[i%3])
		texts = append(texts, body)
		f.say("!r", "@ann:x", text(body))
	}
	f.close()
	c := f.opened(unseal.Scope{})
	piece := rapid.SampledFrom(append([]string{"AND", "OR", "NOT", "(", ")", `"`, "-", "*", "b*", "卖", "出股", "sel*", "fin"}, words...))
	rapid.Check(t, func(rt *rapid.T) {
		var b strings.Builder
		for _, p := range rapid.SliceOfN(piece, 1, 8).Draw(rt, "query") {
			b.WriteString(p + rapid.SampledFrom([]string{" ", " ", ""}).Draw(rt, "space"))
		}
		q := query.Parse(b.String())
		if q.Empty() {
			return
		}
		hits, _, err := c.Search(context.Background(), Search{Query: q, Limit: 1000})
		if err != nil {
			rt.Fatalf("%q: %v", b.String(), err)
		}
		var got, want []string
		for _, h := range hits {
			got = append(got, h.Text)
		}
		for _, body := range texts {
			if q.Match(body) {
				want = append(want, body)
			}
		}
		if !slices.Equal(got, want) {
			rt.Fatalf("%q finds %q, reading finds %q (%s)", b.String(), got, want, q.FTS())
		}
	})
}

// Whatever is typed, and whatever was written, is no error of the database.
func FuzzSearch(f *testing.F) {
	x := newFirm(f)
	x.open()
	x.say("!r", "@ann:x", text("hello"))
	x.close()
	c := x.opened(unseal.Scope{})
	for _, s := range []string{`"`, "(((", "a NOT NOT b", "* OR", "NEAR(a b)", "body:x", "^a", `a"b"c*`, "{", "卖 卖出*", "-(-a)", strings.Repeat("(a OR ", 100), strings.Repeat("a ", 2000)} {
		f.Add(s, "@a", "[*")
	}
	f.Fuzz(func(t *testing.T, q, person, file string) {
		_, _, err := c.Search(context.Background(), Search{Query: query.Parse(q), Limit: 3, Filter: Filter{File: file}})
		if err != nil {
			t.Fatalf("%q: %v", q, err)
		}
		if _, _, err = c.Search(context.Background(), Search{Query: query.Parse(q), Limit: 3, Filter: Filter{People: []string{person}}}); err != nil && !errors.Is(err, ErrUnknown) {
			t.Fatalf("%q: %v", person, err)
		}
	})
}

// FuzzIndex has an index take in whatever a record may say.
func FuzzIndex(f *testing.F) {
	x := newFirm(f)
	x.open()
	x.say("!r", "@ann:x", text("hello"))
	x.close()
	c := x.create(f.TempDir(), unseal.Scope{})
	defer c.Close()
	f.Add([]byte(`{"type":"m.room.message","content":{"body":"x\u0000y","formatted_body":"<b","format":"org.matrix.custom.html"}}`), "!r", "@a:x", "n\x00")
	f.Fuzz(func(t *testing.T, event []byte, room, sender, name string) {
		tx, err := c.db.BeginTx(context.Background(), nil)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = tx.Rollback() }()
		ix, err := newIndex(context.Background(), tx, map[string]int64{})
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = ix.close() }()
		r := &record.Record{Room: room, RoomName: name, Sender: sender, Event: event, Attachments: []record.Attachment{{Name: name, Blob: room, Type: sender}}}
		line, err := json.Marshal(map[string]string{"name": strings.ToValidUTF8(name, "")})
		if err != nil {
			t.Fatal(err)
		}
		if err := ix.add(context.Background(), 7, line, []byte{}, r); err != nil {
			t.Fatal(err)
		}
	})
}
