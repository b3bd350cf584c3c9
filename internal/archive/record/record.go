// Package record is what the archive keeps of one event: the words of a sealed line. It owns the names of the fields and what they
// mean, and refuses nothing: what is archived is not judged again.
//
// A line is a JSON object (RFC 8259) without line feeds. It begins with the sequence, the number of the line's leaf in the Merkle log. New
// fields may come in later versions; those below keep name and meaning.
package record

import (
	"bytes"
	"crypto/rand"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// Record is one event as it was accepted, and all that was known of it then.
type Record struct {
	// Salt is random: who knows a record's hash cannot find out by guessing what it says.
	Salt string `json:"salt"`
	// Time is when the recorder saw the event, in UTC.
	Time time.Time `json:"time"`
	// Room is the room's id, RoomName its name at that moment.
	Room     string `json:"room"`
	RoomName string `json:"room_name,omitempty"`
	// EventID and Event are the event's id and its complete PDU, in canonical JSON with all hashes and signatures.
	EventID string         `json:"event_id"`
	Event   jsontext.Value `json:"event,omitempty"`
	// Type and Plaintext are what the event decrypts to. An event that was not encrypted has none.
	Type      string         `json:"type,omitempty"`
	Plaintext jsontext.Value `json:"plaintext,omitempty"`
	// Other is what else was encrypted with it, beside the members that the specification has: type, room_id and content.
	Other  jsontext.Value `json:"other,omitempty"`
	Sender string         `json:"sender,omitempty"`
	Device *Device        `json:"device,omitempty"`
	// Members could see the event at that moment.
	Members     []string     `json:"members,omitempty"`
	Policy      string       `json:"policy,omitempty"`
	Attachments []Attachment `json:"attachments,omitempty"`
	Verdict     *Verdict     `json:"verdict,omitempty"`
	// Reason is why an event could not be archived (a gap).
	Reason string `json:"reason,omitempty"`
}

// Device is what the event was sent from.
type Device struct {
	ID  string `json:"id"`
	Key string `json:"key,omitempty"` // Curve25519, base64
	// Verification is verified (signed by its owner's identity), unverified or unknown.
	Verification string `json:"verification"`
}

// Attachment is a file that the event names.
type Attachment struct {
	Name   string `json:"name,omitempty"`
	Type   string `json:"type,omitempty"`
	Size   int64  `json:"size"`
	SHA256 string `json:"sha256"` // of the file's plaintext, hexadecimal
	Blob   string `json:"blob"`   // name of the sealed file in the archive
}

// Verdict is what policy said.
type Verdict struct {
	Action string   `json:"action"` // accept, warn, refuse
	Reason string   `json:"reason,omitempty"`
	Rules  []string `json:"rules,omitempty"`
}

// Sent is when the event was sent, by its own word; zero if it does not say so.
func (r *Record) Sent() time.Time {
	var ev struct {
		TS *int64 `json:"origin_server_ts"`
	}
	if len(r.Event) == 0 || json.Unmarshal(r.Event, &ev) != nil || ev.TS == nil {
		return time.Time{}
	}
	return time.UnixMilli(*ev.TS).UTC()
}

// Within reports whether the event was sent, or seen by the recorder, in a period. The end itself is outside; a zero time does not narrow it.
func (r *Record) Within(since, until time.Time) bool {
	in := func(at time.Time) bool {
		return (since.IsZero() || !at.Before(since)) && (until.IsZero() || at.Before(until))
	}
	if in(r.Time) {
		return true
	}
	sent := r.Sent()
	return !sent.IsZero() && in(sent)
}

// TypeReceipt is the type of a record that says that somebody has read an event. It has no event of its own.
const TypeReceipt = "m.receipt"

// Read is the plaintext of a receipt.
type Read struct {
	Event  string `json:"event_id"`
	Thread string `json:"thread_id,omitempty"` // as the receipt has it: "main", or the event id of a thread's first message
	TS     int64  `json:"ts"`                  // when, by the homeserver's clock
}

// Receipt makes the record of who has read what. The same receipt has the same id, which is no event's.
func Receipt(room, user string, read Read) (*Record, error) {
	plain, err := json.Marshal(&read, json.Deterministic(true))
	if err != nil {
		return nil, fmt.Errorf("record: %w", err)
	}
	return &Record{
		Room: room, EventID: strings.TrimSpace(strings.Join([]string{"receipt", read.Event, user, read.Thread}, " ")), Type: TypeReceipt, Plaintext: plain, Sender: user,
	}, nil
}

// IsReceipt tells whether a record says that somebody has read an event.
func (r *Record) IsReceipt() bool { return r.Type == TypeReceipt && len(r.Event) == 0 }

// Encode makes the line but for its sequence. It draws the salt if there is none.
func (r *Record) Encode() ([]byte, error) {
	if r.Salt == "" {
		r.Salt = rand.Text()
	}
	r.Time = r.Time.UTC()
	return json.Marshal(r, json.Deterministic(true), jsontext.EscapeForHTML(false))
}

var errLine = errors.New("record: not a line")

const seqField = `{"seq":`

// Number puts the sequence before an encoded record, or anything else that is a JSON object.
func Number(seq uint64, line []byte) ([]byte, error) {
	if len(line) < 3 || line[0] != '{' || bytes.IndexByte(line, '\n') >= 0 {
		return nil, errLine
	}
	out := make([]byte, 0, len(line)+28)
	out = append(out, seqField...)
	out = strconv.AppendUint(out, seq, 10)
	out = append(out, ',')
	return append(out, line[1:]...), nil
}

// Decode reads a numbered line.
func Decode(line []byte) (seq uint64, r *Record, err error) {
	var numbered struct {
		Seq *uint64 `json:"seq"`
		Record
	}
	if err := json.Unmarshal(line, &numbered); err != nil {
		return 0, nil, fmt.Errorf("record: %w", err)
	}
	if numbered.Seq == nil {
		return 0, nil, errLine
	}
	return *numbered.Seq, &numbered.Record, nil
}
