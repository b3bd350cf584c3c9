package mx

import (
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"strconv"
	"unicode/utf8"

	"conclave.chat/internal/fault"
)

// Proto is what an event is built of.
type Proto struct {
	RoomID     RoomID // ignored for the create event of room version 12 and later, which makes its room id
	Sender     UserID
	Type       string
	StateKey   *string
	Content    []byte // any JSON object
	Depth      int64
	TS         int64
	PrevEvents []EventID
	AuthEvents []EventID
	Redacts    EventID // m.room.redaction only; from room version 11 on it is put into the content
}

// Build makes a PDU: canonical JSON with content hash and signature, and the reference hash as its id. The event keeps the lists of
// the Proto.
//
// Spec: ss#adding-hashes-and-signatures-to-outgoing-events
func Build(v *RoomVersion, p Proto, s Signer) (*Event, error) {
	if v.HashRoomID && p.Type == TypeCreate {
		p.RoomID = ""
	}
	content, err := p.check(v)
	if err != nil {
		return nil, err
	}
	var hash [43]byte
	var sig [86]byte
	var small [128]byte

	size := 512 + len(p.Type) + 48*(len(p.PrevEvents)+len(p.AuthEvents)) + len(content)
	work := p.append(make([]byte, 0, size), v, content, nil)
	sum := sha256.Sum256(work)
	base64.RawStdEncoding.Encode(hash[:], sum[:])

	bare := p
	bare.Redacts = "" // redaction removes it from the top level
	kept := appendRedactedContent(small[:0], v, p.Type, content)
	work = bare.append(work[:0], v, kept, hash[:])
	ref := sha256.Sum256(work)
	base64.RawStdEncoding.Encode(sig[:], ed25519.Sign(s.Key, work))

	raw := p.append(make([]byte, 0, size+256), v, content, hash[:])
	raw = insertSignature(raw, len(p.tail(work[:0])), s, sig[:])
	if len(raw) > MaxEventBytes {
		return nil, fault.Oversize("event larger than %d bytes", MaxEventBytes)
	}
	e := &Event{
		ID: hashID(ref), RoomID: p.RoomID, Sender: p.Sender, Type: p.Type, Depth: p.Depth, TS: p.TS,
		PrevEvents: p.PrevEvents, AuthEvents: p.AuthEvents, Redacts: p.Redacts, Raw: raw,
	}
	if p.StateKey != nil {
		e.stateKey = *p.StateKey
		e.StateKey = &e.stateKey
	}
	e.Content = field(raw, "content")
	complete(v, e)
	return e, nil
}

// hashID writes a reference hash as an event id.
func hashID(sum [sha256.Size]byte) EventID {
	var id [44]byte
	id[0] = '$'
	base64.RawURLEncoding.Encode(id[1:], sum[:])
	return EventID(id[:])
}

// check refuses what no event may be and gives the content in canonical form.
func (p *Proto) check(v *RoomVersion) ([]byte, error) {
	switch {
	case len(p.Type) > MaxIDBytes:
		return nil, fault.Oversize("event type longer than %d bytes", MaxIDBytes)
	case p.StateKey != nil && len(*p.StateKey) > MaxIDBytes:
		return nil, fault.Oversize("state key longer than %d bytes", MaxIDBytes)
	case len(p.Sender) > MaxIDBytes || len(p.RoomID) > MaxIDBytes || len(p.Redacts) > MaxIDBytes:
		return nil, fault.Oversize("identifier longer than %d bytes", MaxIDBytes)
	case len(p.PrevEvents) > MaxPrevEvents || len(p.AuthEvents) > MaxAuthEvents:
		return nil, fault.Oversize("event refers to too many events")
	case p.Depth < 0 || p.Depth > MaxInteger || p.TS < -MaxInteger || p.TS > MaxInteger:
		return nil, fault.BadJSON("depth or timestamp out of range")
	case !utf8.ValidString(p.Type) || (p.StateKey != nil && !utf8.ValidString(*p.StateKey)):
		return nil, fault.InvalidParam("event type and state key must be UTF-8")
	}
	content, err := appendCanonical(make([]byte, 0, len(p.Content)+64), p.Content, 1, false)
	if err != nil {
		return nil, err
	}
	if !isObject(content) {
		return nil, fault.BadJSON("content must be an object")
	}
	if p.Type != TypeRedaction {
		p.Redacts = ""
	}
	if p.Redacts != "" && v.RedactsInContent {
		content = with(content, "redacts", AppendString(nil, string(p.Redacts)))
	}
	return content, nil
}

// append writes the PDU without signatures; without hashes too if hash is nil. The keys come in canonical order.
func (p *Proto) append(dst []byte, v *RoomVersion, content, hash []byte) []byte {
	dst = append(dst, `{"auth_events":`...)
	dst = appendIDs(dst, p.AuthEvents)
	dst = append(dst, `,"content":`...)
	dst = append(dst, content...)
	dst = append(dst, `,"depth":`...)
	dst = strconv.AppendInt(dst, p.Depth, 10)
	if hash != nil {
		dst = append(dst, `,"hashes":{"sha256":"`...)
		dst = append(dst, hash...)
		dst = append(dst, `"}`...)
	}
	dst = append(dst, `,"origin_server_ts":`...)
	dst = strconv.AppendInt(dst, p.TS, 10)
	dst = append(dst, `,"prev_events":`...)
	dst = appendIDs(dst, p.PrevEvents)
	if p.Redacts != "" && !v.RedactsInContent {
		dst = append(dst, `,"redacts":`...)
		dst = AppendString(dst, string(p.Redacts))
	}
	if p.RoomID != "" {
		dst = append(dst, `,"room_id":`...)
		dst = AppendString(dst, string(p.RoomID))
	}
	dst = append(dst, `,"sender":`...)
	dst = AppendString(dst, string(p.Sender))
	return p.tail(dst)
}

// tail writes what comes after the signatures.
func (p *Proto) tail(dst []byte) []byte {
	if p.StateKey != nil {
		dst = append(dst, `,"state_key":`...)
		dst = AppendString(dst, *p.StateKey)
	}
	dst = append(dst, `,"type":`...)
	return append(AppendString(dst, p.Type), '}')
}

// insertSignature puts the signatures before the last n bytes of a PDU, their place in the order.
func insertSignature(pdu []byte, n int, s Signer, sig []byte) []byte {
	var room [512]byte
	tail := append(room[:0], pdu[len(pdu)-n:]...)
	pdu = append(pdu[:len(pdu)-n], `,"signatures":{`...)
	pdu = AppendString(pdu, string(s.Server))
	pdu = append(pdu, ':', '{')
	pdu = AppendString(pdu, s.KeyID)
	pdu = append(pdu, ':', '"')
	pdu = append(pdu, sig...)
	pdu = append(pdu, `"}}`...)
	return append(pdu, tail...)
}

func appendIDs(dst []byte, ids []EventID) []byte {
	dst = append(dst, '[')
	for i, id := range ids {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = AppendString(dst, string(id))
	}
	return append(dst, ']')
}
