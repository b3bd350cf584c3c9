package segment

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"time"

	"filippo.io/age"
	"github.com/klauspost/compress/zstd"
)

const (
	secretSize = 32
	padding    = 256
	// maxLines bounds what a group's lines may weigh before compression; a decoder refuses more.
	maxLines = 64 << 20
)

// chain is where the keys of a segment's groups come from, one after the other.
type chain struct {
	key    []byte
	number uint32
}

func newChain(secret []byte, id ID) *chain {
	return &chain{key: derive(secret, id[:], "conclave archive chain v1"), number: 1}
}

func derive(secret, salt []byte, info string) []byte {
	key, err := hkdf.Key(sha256.New, secret, salt, info, secretSize)
	if err != nil {
		panic(err) // only for impossible lengths
	}
	return key
}

// group gives the cipher of the current block.
func (c *chain) group(salt []byte) (cipher.AEAD, error) {
	key := derive(c.key, salt, "conclave archive group v1")
	defer clear(key)
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	return cipher.NewGCM(block)
}

// step forgets the current block's key.
func (c *chain) step() {
	next := derive(c.key, nil, "conclave archive next v1")
	clear(c.key)
	c.key, c.number = next, c.number+1
}

func (c *chain) wipe() {
	clear(c.key)
	c.key = nil
}

// Options say what a new segment is.
type Options struct {
	ID         ID
	Class      string
	Time       time.Time
	Recipients []age.Recipient
	Seq        uint64 // of the opening

	// Secret and Rand are for test vectors; nil means fresh ones.
	Secret []byte
	Rand   io.Reader
}

// Sealer writes one segment. It is used by one goroutine.
type Sealer struct {
	id     ID
	chain  *chain
	zstd   *zstd.Encoder
	rand   io.Reader
	number uint32
	items  uint64
	lines  bytes.Buffer
}

// ErrClosed means that a segment takes no more records: its key is gone.
var ErrClosed = errors.New("segment: closed")

// New starts a segment. The key file and the beginning of the segment's file must be durable before a group is.
func New(o Options) (s *Sealer, keyFile, head []byte, err error) {
	if err := CheckClass(o.Class); err != nil {
		return nil, nil, nil, err
	}
	if o.Rand == nil {
		o.Rand = rand.Reader
	}
	secret := bytes.Clone(o.Secret)
	if secret == nil {
		secret = make([]byte, secretSize)
		if _, err := io.ReadFull(o.Rand, secret); err != nil {
			return nil, nil, nil, err
		}
	}
	defer clear(secret)
	if keyFile, err = wrap(secret, o.Recipients); err != nil {
		return nil, nil, nil, err
	}
	enc, err := zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1), zstd.WithEncoderPadding(padding), zstd.WithLowerEncoderMem(true))
	if err != nil {
		return nil, nil, nil, err
	}
	s = &Sealer{id: o.ID, chain: newChain(secret, o.ID), zstd: enc, rand: o.Rand}
	sum := sha256.Sum256(keyFile)
	head = append([]byte(Magic), s.begin(nil, TypeOpening, o.Seq)...)
	head = binary.BigEndian.AppendUint64(head, uint64(o.Time.UnixMilli()))
	head = append(head, sum[:]...)
	head = append(head, byte(len(o.Class)))
	head = append(head, o.Class...)
	return s, keyFile, s.end(head, len(Magic)), nil
}

func wrap(secret []byte, to []age.Recipient) ([]byte, error) {
	var b bytes.Buffer
	w, err := age.Encrypt(&b, to...)
	if err != nil {
		return nil, fmt.Errorf("segment: %w", err)
	}
	if _, err := w.Write(secret); err != nil {
		return nil, fmt.Errorf("segment: %w", err)
	}
	if err := w.Close(); err != nil {
		return nil, fmt.Errorf("segment: %w", err)
	}
	return b.Bytes(), nil
}

func (s *Sealer) begin(b []byte, kind byte, seq uint64) []byte {
	b = append(b, kind)
	b = binary.BigEndian.AppendUint64(b, seq)
	b = append(b, s.id[:]...)
	b = binary.BigEndian.AppendUint32(b, s.number)
	s.number++
	return append(b, 0, 0, 0, 0) // the length, known at the end
}

// end completes the block that starts at b[start:].
func (s *Sealer) end(b []byte, start int) []byte {
	setLength(b[start:], len(b)-start-headSize)
	sum := sha256.Sum256(b[start:])
	return append(b, sum[:]...)
}

func setLength(block []byte, n int) { binary.BigEndian.PutUint32(block[headSize-4:], uint32(n)) }

// Group appends a group's block to dst: one line, without line feed, for each item. The commitments are filled in. After an
// error the segment must not be used any more.
func (s *Sealer) Group(dst []byte, seq uint64, items []Item, lines [][]byte) ([]byte, error) {
	if s.chain.key == nil {
		return nil, ErrClosed
	}
	if len(items) == 0 || len(items) > MaxItems || len(items) != len(lines) {
		return nil, fmt.Errorf("segment: %d items with %d lines make no group", len(items), len(lines))
	}
	start := len(dst)
	dst = s.begin(dst, TypeGroup, seq)
	dst = binary.BigEndian.AppendUint16(dst, uint16(len(items)))
	s.lines.Reset()
	for i := range items {
		it := &items[i]
		if !it.Kind.item() || len(it.Note) > MaxNote || bytes.IndexByte(lines[i], '\n') >= 0 {
			return nil, errors.New("segment: not an item")
		}
		it.Commitment = sha256.Sum256(lines[i])
		dst = append(dst, byte(it.Kind))
		dst = append(dst, it.Subject[:]...)
		dst = append(dst, it.Commitment[:]...)
		dst = append(dst, byte(len(it.Note)))
		dst = append(dst, it.Note...)
		s.lines.Write(lines[i])
		s.lines.WriteByte('\n')
	}
	if s.lines.Len() > maxLines {
		return nil, fmt.Errorf("segment: a group of %d bytes is too large", s.lines.Len())
	}
	var salt [saltSize]byte
	if _, err := io.ReadFull(s.rand, salt[:]); err != nil {
		return nil, err
	}
	dst = append(dst, salt[:]...)
	aead, err := s.chain.group(salt[:])
	if err != nil {
		return nil, err
	}
	packed := s.zstd.EncodeAll(s.lines.Bytes(), nil)
	clear(s.lines.Bytes())
	body := len(dst) - start - headSize + len(packed) + aead.Overhead()
	if body > MaxBody {
		return nil, fmt.Errorf("segment: a group of %d bytes is too large", body)
	}
	setLength(dst[start:], body)                                              // it is authenticated too
	dst = aead.Seal(dst, make([]byte, aead.NonceSize()), packed, dst[start:]) //nolint:gosec // each key is used once: see the package comment
	clear(packed)
	s.chain.step()
	s.items += uint64(len(items))
	return s.end(dst, start), nil
}

// Close appends the closing to dst and wipes the key.
func (s *Sealer) Close(dst []byte, seq uint64, at time.Time, reason uint8) []byte {
	s.Wipe()
	start := len(dst)
	dst = s.begin(dst, TypeClosing, seq)
	return s.end(appendClosing(dst, at, s.items, reason), start)
}

func appendClosing(dst []byte, at time.Time, items uint64, reason uint8) []byte {
	dst = binary.BigEndian.AppendUint64(dst, uint64(at.UnixMilli()))
	dst = binary.BigEndian.AppendUint64(dst, items)
	return append(dst, reason)
}

// Wipe forgets the key: nothing can be added any more.
func (s *Sealer) Wipe() {
	s.chain.wipe()
	clear(s.lines.Bytes()[:s.lines.Len()])
}

// CloseAfterCrash makes the closing for a segment that a scanner has read to its end. It needs no key.
func (s *Scanner) CloseAfterCrash(seq uint64, at time.Time) []byte {
	w := Sealer{id: s.id, number: s.number}
	return w.end(appendClosing(w.begin(nil, TypeClosing, seq), at, s.items, Recovered), 0)
}
