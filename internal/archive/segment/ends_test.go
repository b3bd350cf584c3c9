package segment

import (
	"bytes"
	"testing"
)

func TestEndsWithoutTheMiddle(t *testing.T) {
	o, _ := testOptions(t)
	file, _ := write(t, o, [][]string{{`{"a":1}`, `{"a":2}`}, {`{"a":3}`}})
	opening, closing, err := Ends(bytes.NewReader(file), int64(len(file)))
	if err != nil || closing == nil {
		t.Fatal(opening, closing, err)
	}
	s := NewScanner(bytes.NewReader(file))
	var first, last Block
	for i := 0; ; i++ {
		b, err := s.Next()
		if err != nil {
			break
		}
		if last = *b; i == 0 {
			first = *b
		}
	}
	if opening.Opening != first.Opening || closing.Closing != last.Closing || closing.Offset != last.Offset || closing.Digest != last.Digest || closing.Seq != last.Seq {
		t.Errorf("%+v %+v", opening, closing)
	}
	// One that is open, or was cut short or changed at its end, has no closing.
	for _, bad := range [][]byte{file[:len(file)-1], file[:last.Offset], flipped(file, len(file)-40), flipped(file, len(file)-1)} {
		if _, closing, err := Ends(bytes.NewReader(bad), int64(len(bad))); err != nil || closing != nil {
			t.Errorf("%+v, %v", closing, err)
		}
	}
	for _, n := range []int{0, 10, len(Magic), len(Magic) + 20} {
		if _, _, err := Ends(bytes.NewReader(file[:n]), int64(n)); err == nil {
			t.Errorf("%d bytes are taken for a segment", n)
		}
	}
}

func flipped(b []byte, at int) []byte {
	b = bytes.Clone(b)
	b[at] ^= 1
	return b
}

func FuzzEnds(f *testing.F) {
	o, _ := testOptions(f)
	file, _ := write(f, o, [][]string{{`{"a":1}`}})
	f.Add(file)
	f.Add(file[:100])
	f.Fuzz(func(t *testing.T, data []byte) {
		opening, closing, err := Ends(bytes.NewReader(data), int64(len(data)))
		if err == nil && (opening.Type != TypeOpening || closing != nil && closing.Segment != opening.Segment) {
			t.Fatal(opening, closing)
		}
	})
}
