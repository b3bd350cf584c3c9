package segment

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"iter"

	"github.com/google/uuid"
)

// Digest is a SHA-256.
type Digest [sha256.Size]byte

func (d Digest) String() string { return hex.EncodeToString(d[:]) }

// ID names a segment.
type ID [16]byte

// NewID makes an id whose order is that of time.
func NewID() (ID, error) {
	u, err := uuid.NewV7()
	return ID(u), err
}

// ParseID reads what String gives, and nothing else.
func ParseID(s string) (ID, error) {
	u, err := uuid.Parse(s)
	if err != nil || u.String() != s {
		return ID{}, fmt.Errorf("segment: %q is not an id", s)
	}
	return ID(u), nil
}

func (id ID) String() string { return uuid.UUID(id).String() }

// Kind says what an item or an entry of the log is about.
type Kind uint8

// The kinds. An item is a record, a gap, a blob, a shred or a receipt.
const (
	Record  Kind = 1 // an event in full
	Gap     Kind = 2 // an accepted event that is not archived, and why
	Blob    Kind = 3 // an attachment in a file of its own
	Shred   Kind = 4 // the end of a segment whose time is over
	Receipt Kind = 5 // that somebody has read an event
	Opened  Kind = 16
	Closed  Kind = 17
)

func (k Kind) item() bool { return k >= Record && k <= Receipt }

func (k Kind) String() string {
	switch k {
	case Record:
		return "record"
	case Gap:
		return "gap"
	case Blob:
		return "blob"
	case Shred:
		return "shred"
	case Receipt:
		return "receipt"
	case Opened:
		return "opening"
	case Closed:
		return "closing"
	}
	return fmt.Sprintf("kind %d", uint8(k))
}

// Subject is how an event is found in the log without telling what it is: the hash of its room and its id.
func Subject(room, event string) Digest {
	h := sha256.New()
	h.Write([]byte("conclave archive event v1\n"))
	h.Write(binary.BigEndian.AppendUint64(nil, uint64(len(room))))
	h.Write([]byte(room))
	h.Write([]byte(event))
	return Digest(h.Sum(nil))
}

// Item is what everybody may see of a line.
type Item struct {
	Kind       Kind
	Subject    Digest
	Commitment Digest
	Note       string // at most 255 bytes
}

// Entry is a leaf of the Merkle log.
type Entry struct {
	Item
	Seq     uint64
	Segment ID
	Number  uint32 // of the block
	Index   uint16 // of the item in the block
	Offset  uint64 // of the block in the file
	Block   Digest
}

const (
	entryVersion = 1
	entryFixed   = 1 + 1 + 8 + 16 + 4 + 2 + 8 + 3*sha256.Size + 1
)

// Append adds the entry's bytes.
func (e *Entry) Append(b []byte) []byte {
	b = append(b, entryVersion, byte(e.Kind))
	b = binary.BigEndian.AppendUint64(b, e.Seq)
	b = append(b, e.Segment[:]...)
	b = binary.BigEndian.AppendUint32(b, e.Number)
	b = binary.BigEndian.AppendUint16(b, e.Index)
	b = binary.BigEndian.AppendUint64(b, e.Offset)
	b = append(b, e.Block[:]...)
	b = append(b, e.Subject[:]...)
	b = append(b, e.Commitment[:]...)
	b = append(b, byte(len(e.Note)))
	return append(b, e.Note...)
}

var errEntry = errors.New("segment: not an entry of layout v1")

// ParseEntry reads exactly what Append gives.
func ParseEntry(b []byte) (Entry, error) {
	var e Entry
	if len(b) < entryFixed || b[0] != entryVersion || len(b) != entryFixed+int(b[entryFixed-1]) {
		return e, errEntry
	}
	e.Kind = Kind(b[1])
	if !e.Kind.item() && e.Kind != Opened && e.Kind != Closed {
		return e, errEntry
	}
	e.Seq = binary.BigEndian.Uint64(b[2:])
	copy(e.Segment[:], b[10:])
	e.Number = binary.BigEndian.Uint32(b[26:])
	e.Index = binary.BigEndian.Uint16(b[30:])
	e.Offset = binary.BigEndian.Uint64(b[32:])
	copy(e.Block[:], b[40:])
	copy(e.Subject[:], b[72:])
	copy(e.Commitment[:], b[104:])
	e.Note = string(b[entryFixed:])
	return e, nil
}

// Entries are the leaves that the block gives, in order.
func (b *Block) Entries() iter.Seq[Entry] {
	return func(yield func(Entry) bool) {
		e := Entry{Seq: b.Seq, Segment: b.Segment, Number: b.Number, Offset: b.Offset, Block: b.Digest}
		switch b.Type {
		case TypeOpening:
			e.Kind, e.Note = Opened, b.Opening.Class
			yield(e)
		case TypeClosing:
			e.Kind = Closed
			yield(e)
		case TypeGroup:
			for i, item := range b.Items {
				e.Item, e.Index = item, uint16(i)
				if !yield(e) {
					return
				}
				e.Seq++
			}
		}
	}
}

// Leaves is how many entries the block gives.
func (b *Block) Leaves() uint64 {
	if b.Type == TypeGroup {
		return uint64(len(b.Items))
	}
	return 1
}
