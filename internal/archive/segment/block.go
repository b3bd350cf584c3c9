package segment

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"time"
)

// Magic is a segment's first line.
const Magic = "conclave.chat/archive/segment/v1\n"

// Limits of the layout.
const (
	MaxBody  = 32 << 20
	MaxItems = 1 << 12
	MaxClass = 32
	MaxNote  = 255
)

// Types of blocks.
const (
	TypeOpening = 1
	TypeGroup   = 2
	TypeClosing = 3
)

// Reasons for a closing.
const (
	Full      = 1
	Stopped   = 2
	Recovered = 3
)

const (
	headSize = 1 + 8 + 16 + 4 + 4
	saltSize = 16
	itemSize = 1 + 2*sha256.Size + 1
)

// Block is one block of a segment, taken apart.
type Block struct {
	Type    uint8
	Seq     uint64
	Segment ID
	Number  uint32
	Offset  uint64 // in the file
	Size    uint64 // with head and digest
	Digest  Digest

	Opening Opening
	Closing Closing
	Items   []Item

	associated []byte // all before the ciphertext
	salt       []byte
	sealed     []byte
}

// Opening is the body of a segment's first block.
type Opening struct {
	Time  time.Time
	Key   Digest // of the key file
	Class string
}

// Closing is the body of a segment's last block.
type Closing struct {
	Time   time.Time
	Items  uint64
	Reason uint8
}

// CheckClass refuses what is not a name of a retention class: 1 to 32 of a-z, 0-9 and -.
func CheckClass(class string) error {
	if class == "" || len(class) > MaxClass {
		return fmt.Errorf("segment: %q is not a retention class", class)
	}
	for _, c := range []byte(class) {
		if (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '-' {
			return fmt.Errorf("segment: %q is not a retention class", class)
		}
	}
	return nil
}

// DamageError says where a segment is not what it should be.
type DamageError struct {
	Offset uint64
	Reason string
	// Torn means that the file ends within a block, as after a crash.
	Torn bool
}

func (e *DamageError) Error() string { return fmt.Sprintf("offset %d: %s", e.Offset, e.Reason) }

// Scanner reads a segment's blocks one after the other and checks all that can be checked without a key or the log.
type Scanner struct {
	r      io.Reader
	offset uint64
	seq    uint64
	number uint32
	items  uint64
	id     ID
	done   bool
	buf    bytes.Buffer
	block  Block
}

// NewScanner starts at a segment's beginning.
func NewScanner(r io.Reader) *Scanner { return &Scanner{r: r} }

// Offset is the end of the last whole block.
func (s *Scanner) Offset() uint64 { return s.offset }

func (s *Scanner) damage(reason string, args ...any) error {
	return &DamageError{Offset: s.offset, Reason: fmt.Sprintf(reason, args...)}
}

func (s *Scanner) torn() error {
	return &DamageError{Offset: s.offset, Reason: "the file ends within a block", Torn: true}
}

// Next gives the next block, which is good until the next call; io.EOF at the end of the file; or a *DamageError.
func (s *Scanner) Next() (*Block, error) {
	if s.offset == 0 { // nothing was read yet
		magic := make([]byte, len(Magic))
		switch _, err := io.ReadFull(s.r, magic); {
		case endOfFile(err):
			return nil, s.torn()
		case err != nil:
			return nil, err
		case string(magic) != Magic:
			return nil, s.damage("it does not begin as a segment")
		}
		s.offset = uint64(len(Magic))
	}
	if err := s.fill(); err != nil {
		return nil, err
	}
	raw := s.buf.Bytes()
	digest := Digest(sha256.Sum256(raw[:len(raw)-sha256.Size]))
	if digest != Digest(raw[len(raw)-sha256.Size:]) {
		return nil, s.damage("the block's bytes were altered")
	}
	s.block = Block{Offset: s.offset, Size: uint64(len(raw)), Digest: digest}
	if reason := s.block.parse(raw[:len(raw)-sha256.Size]); reason != "" {
		return nil, s.damage("%s", reason)
	}
	if err := s.follow(); err != nil {
		return nil, err
	}
	s.offset += s.block.Size
	return &s.block, nil
}

func endOfFile(err error) bool { return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) }

// fill reads a block as it lies, however long it claims to be: memory grows only with what is there.
func (s *Scanner) fill() error {
	s.buf.Reset()
	n, err := io.CopyN(&s.buf, s.r, headSize)
	switch {
	case n == 0 && errors.Is(err, io.EOF) && s.number > 0:
		return io.EOF
	case endOfFile(err):
		return s.torn()
	case err != nil:
		return err
	case s.done:
		return s.damage("there is something after the closing")
	}
	body := int64(binary.BigEndian.Uint32(s.buf.Bytes()[headSize-4:]))
	if body > MaxBody {
		return s.damage("a block claims to have %d bytes", body)
	}
	switch _, err = io.CopyN(&s.buf, s.r, body+sha256.Size); {
	case endOfFile(err):
		return s.torn()
	case err != nil:
		return err
	}
	return nil
}

// follow checks that the block is the next one of its segment.
func (s *Scanner) follow() error {
	b := &s.block
	switch {
	case (b.Type == TypeOpening) != (s.offset == uint64(len(Magic))):
		return s.damage("the opening is not at the beginning")
	case b.Number != s.number:
		return s.damage("block %d stands where block %d should be", b.Number, s.number)
	case b.Type != TypeOpening && b.Segment != s.id:
		return s.damage("the block belongs to segment %s", b.Segment)
	case b.Type != TypeOpening && b.Seq < s.seq:
		return s.damage("sequence %d stands behind %d", b.Seq, s.seq)
	case b.Seq+b.Leaves() < b.Seq:
		return s.damage("the sequence is too large")
	case b.Type == TypeClosing && b.Closing.Items != s.items:
		return s.damage("the closing counts %d items; there are %d", b.Closing.Items, s.items)
	}
	s.id, s.number, s.seq = b.Segment, b.Number+1, b.Seq+b.Leaves()
	s.items += uint64(len(b.Items))
	s.done = b.Type == TypeClosing
	return nil
}

// parse takes a block without its digest apart, and says what is wrong with it.
func (b *Block) parse(raw []byte) (reason string) {
	b.Type = raw[0]
	b.Seq = binary.BigEndian.Uint64(raw[1:])
	copy(b.Segment[:], raw[9:])
	b.Number = binary.BigEndian.Uint32(raw[25:])
	body := raw[headSize:]
	switch b.Type {
	case TypeOpening:
		return b.parseOpening(body)
	case TypeClosing:
		if len(body) != 17 || body[16] < Full || body[16] > Recovered {
			return "not a closing"
		}
		b.Closing = Closing{
			Time: time.UnixMilli(int64(binary.BigEndian.Uint64(body))).UTC(), Items: binary.BigEndian.Uint64(body[8:]), Reason: body[16],
		}
		return ""
	case TypeGroup:
		return b.parseGroup(raw)
	}
	return fmt.Sprintf("blocks of type %d are unknown", b.Type)
}

func (b *Block) parseOpening(body []byte) string {
	const fixed = 8 + sha256.Size + 1
	if len(body) < fixed || len(body) != fixed+int(body[fixed-1]) {
		return "not an opening"
	}
	b.Opening = Opening{Time: time.UnixMilli(int64(binary.BigEndian.Uint64(body))).UTC(), Key: Digest(body[8:40]), Class: string(body[fixed:])}
	if err := CheckClass(b.Opening.Class); err != nil {
		return err.Error()
	}
	return ""
}

func (b *Block) parseGroup(raw []byte) string {
	rest := raw[headSize:]
	if len(rest) < 2 {
		return "not a group"
	}
	count := int(binary.BigEndian.Uint16(rest))
	rest = rest[2:]
	if count == 0 || count > MaxItems || len(rest) < count*itemSize {
		return "not a group"
	}
	b.Items = make([]Item, count)
	for i := range b.Items {
		if len(rest) < itemSize || len(rest) < itemSize+int(rest[itemSize-1]) {
			return "not a group"
		}
		n := itemSize + int(rest[itemSize-1])
		b.Items[i] = Item{Kind: Kind(rest[0]), Subject: Digest(rest[1:33]), Commitment: Digest(rest[33:65]), Note: string(rest[itemSize:n])}
		if !b.Items[i].Kind.item() {
			return "an item of unknown kind"
		}
		rest = rest[n:]
	}
	if len(rest) < saltSize {
		return "not a group"
	}
	b.salt, b.sealed = rest[:saltSize], rest[saltSize:]
	b.associated = raw[:len(raw)-len(b.sealed)]
	return ""
}

// Parse takes the one block at the end of b apart that a [Sealer] has just made; what stands before it is the file's first line. offset is that
// of b in the file.
func Parse(b []byte, offset uint64) (*Block, error) {
	if offset == 0 {
		if !bytes.HasPrefix(b, []byte(Magic)) {
			return nil, &DamageError{Reason: "it does not begin as a segment"}
		}
		b, offset = b[len(Magic):], uint64(len(Magic))
	}
	block := &Block{Offset: offset, Size: uint64(len(b))}
	if len(b) < headSize+sha256.Size {
		return nil, &DamageError{Offset: offset, Reason: "not a block"}
	}
	raw := b[:len(b)-sha256.Size]
	block.Digest = Digest(b[len(raw):])
	if reason := block.parse(raw); reason != "" {
		return nil, &DamageError{Offset: offset, Reason: reason}
	}
	return block, nil
}
