package segment

import (
	"bytes"
	"crypto/rand"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"filippo.io/age"
	"github.com/go-json-experiment/json"
	"pgregory.net/rapid"
)

var testTime = time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC)

// write makes a segment of groups of lines.
func write(t fataler, o Options, groups [][]string) (file, key []byte) {
	s, key, file, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	seq := o.Seq + 1
	for _, g := range groups {
		var items []Item
		var lines [][]byte
		for i, text := range g {
			it := Item{Kind: Record, Subject: Subject("!room:example.org", fmt.Sprintf("$%d", int(seq)+i))}
			if i%5 == 4 {
				it.Kind, it.Note = Gap, "no key came"
			}
			items = append(items, it)
			lines = append(lines, []byte(text))
		}
		if file, err = s.Group(file, seq, items, lines); err != nil {
			t.Fatal(err)
		}
		seq += uint64(len(g))
	}
	return s.Close(file, seq, testTime.Add(time.Hour), Full), key
}

type fataler interface{ Fatal(args ...any) }

// readFile opens a segment.
func readFile(file, secret []byte, id ID) (groups [][]string, blocks []Block, err error) {
	o, err := NewOpener(secret, id)
	if err != nil {
		return nil, nil, err
	}
	defer o.Close()
	s := NewScanner(bytes.NewReader(file))
	for {
		b, err := s.Next()
		if errors.Is(err, io.EOF) {
			return groups, blocks, nil
		}
		if err != nil {
			return groups, blocks, err
		}
		blocks = append(blocks, *b)
		blocks[len(blocks)-1].salt = bytes.Clone(b.salt)
		if b.Type != TypeGroup {
			continue
		}
		lines, err := o.Open(b)
		if err != nil {
			return groups, blocks, err
		}
		var g []string
		for _, l := range lines {
			g = append(g, string(l))
		}
		groups = append(groups, g)
	}
}

func testOptions(t fataler) (Options, *age.HybridIdentity) {
	id, err := age.GenerateHybridIdentity()
	if err != nil {
		t.Fatal(err)
	}
	sid, err := NewID()
	if err != nil {
		t.Fatal(err)
	}
	return Options{ID: sid, Class: "7y", Time: testTime, Recipients: []age.Recipient{id.Recipient()}, Seq: 100}, id
}

func TestWhatIsSealedComesBack(t *testing.T) {
	o, id := testOptions(t)
	rapid.Check(t, func(t *rapid.T) {
		line := rapid.Custom(func(t *rapid.T) string {
			return `{"x":"` + rapid.StringMatching(`[a-zäß ]{0,200}`).Draw(t, "text") + `"}`
		})
		want := rapid.SliceOfN(rapid.SliceOfN(line, 1, 8), 0, 6).Draw(t, "groups")
		file, key := write(t, o, want)
		secret, err := Unwrap(key, id)
		if err != nil {
			t.Fatal(err)
		}
		got, blocks, err := readFile(file, secret, o.ID)
		if err != nil || fmt.Sprint(got) != fmt.Sprint(want) || len(got) != len(want) {
			t.Fatalf("%v: got %q, want %q", err, got, want)
		}
		seq := o.Seq
		for i := range blocks {
			for e := range blocks[i].Entries() {
				back, err := ParseEntry(e.Append(nil))
				if err != nil || back != e || e.Seq != seq {
					t.Fatalf("entry %d: %+v, %+v, %v", seq, e, back, err)
				}
				seq++
			}
		}
		if last := blocks[len(blocks)-1]; !blocks[0].Opening.Time.Equal(testTime) || last.Closing.Reason != Full || !last.Closing.Time.Equal(testTime.Add(time.Hour)) {
			t.Fatalf("%+v, %+v", blocks[0].Opening, last.Closing)
		}
	})
}

// No byte of a segment can be changed, and none taken from its end, without a word.
func TestAnyFlippedByteIsSeen(t *testing.T) {
	o, id := testOptions(t)
	file, key := write(t, o, [][]string{{`{"a":1}`, `{"b":2}`}, {`{"c":3}`}})
	secret, err := Unwrap(key, id)
	if err != nil {
		t.Fatal(err)
	}
	_, want, err := readFile(file, secret, o.ID)
	if err != nil {
		t.Fatal(err)
	}
	for i := range file {
		bad := bytes.Clone(file)
		bad[i] ^= 1
		if _, _, err := readFile(bad, secret, o.ID); err == nil {
			t.Fatalf("byte %d is free", i)
		}
		_, blocks, err := readFile(file[:i], secret, o.ID)
		border := i == int(blocksEnd(blocks)) && len(blocks) > 0
		var damage *DamageError
		if torn := errors.As(err, &damage) && damage.Torn; torn == border {
			t.Fatalf("cut at %d: %v, after %d of %d blocks", i, err, len(blocks), len(want))
		}
	}
}

func blocksEnd(b []Block) uint64 {
	if len(b) == 0 {
		return 0
	}
	return b[len(b)-1].Offset + b[len(b)-1].Size
}

// Each block's digest can be made anew by who writes the file; the seal cannot.
func TestASealIsNotMadeAnew(t *testing.T) {
	o, id := testOptions(t)
	file, key := write(t, o, [][]string{{`{"a":1}`}, {`{"c":3}`}})
	secret, err := Unwrap(key, id)
	if err != nil {
		t.Fatal(err)
	}
	_, blocks, err := readFile(file, secret, o.ID)
	if err != nil {
		t.Fatal(err)
	}
	g := blocks[1]
	for at := range int(g.Size) - len(g.Digest) {
		if at >= headSize-4 && at < headSize {
			continue // the length is made anew with the digest
		}
		bad := bytes.Clone(file)
		block := bad[g.Offset : g.Offset+g.Size]
		block[at] ^= 1
		w := &Sealer{}
		copy(block, w.end(bytes.Clone(block[:len(block)-len(g.Digest)]), 0))
		if _, _, err := readFile(bad, secret, o.ID); err == nil {
			t.Fatalf("byte %d of the group is free", at)
		}
	}
	other, key2 := write(t, o, [][]string{{`{"a":1}`}})
	secret2, err := Unwrap(key2, id)
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := readFile(other, secret, o.ID); !errors.Is(err, ErrSealed) {
		t.Errorf("with another's secret: %v", err)
	}
	if _, _, err := readFile(other, secret2, ID{1}); !errors.Is(err, ErrSealed) {
		t.Errorf("with another's id: %v", err)
	}
}

func TestAClosedSegmentHasNoKey(t *testing.T) {
	o, _ := testOptions(t)
	s, _, file, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	chain := s.chain.key
	if file, err = s.Group(file, 101, []Item{{Kind: Record}}, [][]byte{[]byte(`{}`)}); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(chain, make([]byte, 32)) {
		t.Error("the key of an earlier group is still there")
	}
	chain = s.chain.key
	file = s.Close(file, 102, testTime, Stopped)
	if !bytes.Equal(chain, make([]byte, 32)) {
		t.Error("the key of a closed segment is still there")
	}
	if _, err := s.Group(file, 103, []Item{{Kind: Record}}, [][]byte{[]byte(`{}`)}); !errors.Is(err, ErrClosed) {
		t.Errorf("it took another group: %v", err)
	}
}

// The content of a group tells its size only roughly.
func TestSizesArePadded(t *testing.T) {
	o, _ := testOptions(t)
	s, _, _, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range []int{0, 1, 100, 1000} {
		b, err := s.Group(nil, 101, []Item{{Kind: Record}}, [][]byte{[]byte(rand.Text() + strings.Repeat("x", n))})
		if err != nil {
			t.Fatal(err)
		}
		block, err := Parse(b, 1)
		if err != nil || (len(block.sealed)-16)%256 != 0 {
			t.Errorf("%d bytes, %v", len(block.sealed), err)
		}
	}
}

// vector is testdata/v1.json. Its keys were computed by another implementation of HKDF (Python's cryptography) from the package comment, which opened the
// segment's file too.
type vector struct {
	Identity string     `json:"identity"`
	ID       string     `json:"id"`
	Secret   string     `json:"secret"`
	Keys     []string   `json:"keys"`
	Subject  string     `json:"subject_of_101"`
	Groups   [][]string `json:"groups"`
}

func TestVectorsStayReadable(t *testing.T) {
	read := func(name string) []byte {
		b, err := os.ReadFile(filepath.Join("testdata", name))
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	var v vector
	if err := json.Unmarshal(read("v1.json"), &v); err != nil {
		t.Fatal(err)
	}
	identity, err := age.ParseHybridIdentity(v.Identity)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := Unwrap(read("v1.key"), identity)
	if err != nil || hex.EncodeToString(secret) != v.Secret {
		t.Fatalf("secret %x: %v", secret, err)
	}
	id, err := ParseID(v.ID)
	if err != nil {
		t.Fatal(err)
	}
	groups, blocks, err := readFile(read("v1.segment"), secret, id)
	if err != nil || fmt.Sprint(groups) != fmt.Sprint(v.Groups) {
		t.Fatalf("%v: %q", err, groups)
	}
	c := newChain(secret, id)
	for i, want := range v.Keys {
		if got := derive(c.key, blocks[1+i].salt, "conclave archive group v1"); hex.EncodeToString(got) != want {
			t.Errorf("key of group %d is %x, want %s", i+1, got, want)
		}
		c.step()
	}
	if blocks[1].Items[0].Subject.String() != v.Subject {
		t.Errorf("subject %s, want %s", blocks[1].Items[0].Subject, v.Subject)
	}
}

// The entry's bytes, by hand from the package comment.
func TestEntryLayout(t *testing.T) {
	e := Entry{Item: Item{Kind: Gap, Subject: Digest{0xaa}, Commitment: Digest{0xbb}, Note: "why"}, Seq: 1, Segment: ID{0xcc}, Number: 2, Index: 3, Offset: 4, Block: Digest{0xdd}}
	zeros := func(n int) string { return strings.Repeat("00", n) }
	want := "01" + "02" + "0000000000000001" + "cc" + zeros(15) + "00000002" + "0003" + "0000000000000004" + "dd" + zeros(31) + "aa" + zeros(31) + "bb" + zeros(31) + "03" + "776879"
	if got := hex.EncodeToString(e.Append(nil)); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func FuzzSegment(f *testing.F) {
	for _, name := range []string{"v1.segment"} {
		b, err := os.ReadFile(filepath.Join("testdata", name))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b, false)
		f.Add(b, true)
	}
	secret := bytes.Repeat([]byte{7}, 32)
	f.Fuzz(func(t *testing.T, data []byte, mend bool) {
		if mend { // with right digests the fuzzer comes further
			data = mendDigests(data)
		}
		s := NewScanner(bytes.NewReader(data))
		for {
			b, err := s.Next()
			if err != nil {
				if int(s.Offset()) > len(data) {
					t.Fatal("it has read more than there is")
				}
				return
			}
			if o, err := NewOpener(secret, b.Segment); err == nil {
				if b.Number < 1000 {
					_, _ = o.Open(b)
				}
				o.Close()
			}
			for e := range b.Entries() {
				if back, err := ParseEntry(e.Append(nil)); err != nil || back != e {
					t.Fatalf("%+v: %v", e, err)
				}
			}
		}
	})
}

func mendDigests(data []byte) []byte {
	data = bytes.Clone(data)
	w := &Sealer{}
	for at := len(Magic); at+headSize+32 <= len(data); {
		end := at + headSize + int(binary.BigEndian.Uint32(data[at+headSize-4:]))
		if end+32 > len(data) || end < at {
			break
		}
		n := binary.BigEndian.Uint32(data[at+headSize-4:])
		if n > MaxBody {
			break
		}
		copy(data[at:], w.end(bytes.Clone(data[at:end]), 0))
		at = end + 32
	}
	return data
}

func FuzzEntry(f *testing.F) {
	f.Add((&Entry{Item: Item{Kind: Gap, Note: "why"}, Seq: 7}).Append(nil))
	f.Fuzz(func(t *testing.T, data []byte) {
		e, err := ParseEntry(data)
		if err == nil && !bytes.Equal(e.Append(nil), data) {
			t.Fatal("two forms of one entry")
		}
	})
}

func FuzzKeyFile(f *testing.F) {
	b, err := os.ReadFile(filepath.Join("testdata", "v1.key"))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(b)
	id, err := age.GenerateHybridIdentity()
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		if _, err := Unwrap(data, id); err == nil {
			t.Fatal("a key that is sealed to nobody's is opened")
		}
	})
}

func BenchmarkGroup(b *testing.B) {
	o, _ := testOptions(b)
	for _, n := range []int{1, 32} {
		b.Run(fmt.Sprint(n, " records"), func(b *testing.B) {
			s, _, _, err := New(o)
			if err != nil {
				b.Fatal(err)
			}
			items := make([]Item, n)
			lines := make([][]byte, n)
			size := 0
			for i := range items {
				items[i].Kind = Record
				lines[i] = fmt.Appendf(nil, `{"seq":%d,"salt":%q,"event":{"content":{"ciphertext":%q},"sender":"@alice:example.org"},"plaintext":{"body":"%s"}}`,
					i, rand.Text(), strings.Repeat(rand.Text(), 12), strings.Repeat("what was said ", 8))
				size += len(lines[i])
			}
			b.SetBytes(int64(size))
			b.ReportAllocs()
			var out []byte
			for b.Loop() {
				if out, err = s.Group(out[:0], 1, items, lines); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(len(out))/float64(n), "bytes/record")
		})
	}
}
