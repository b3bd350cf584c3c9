// Package statement is what a homeserver says, signed, of the events that it accepted in recorded rooms, so that an archive can be compared with it. It owns
// the text's layout; whoever keeps the sequence makes it, verifiers read it.
//
// A statement is a signed note (C2SP signed-note, Ed25519) followed by the list that the note speaks of:
//
//	conclave accepted events v1
//	<server's name>
//	<number of events>
//	<SHA-256 of the list, base64>
//
//	— <key's name> <signature>
//
//	room <room id> <sequence of the first event>
//	<event id>
//	<event id>
//	room …
//
// Where several recorders archive, each in a log of its own, the statement says which has an event. It then begins with "conclave accepted events v2", and in
// its list a line "log <name>" stands before the events that the log of that name holds, after the line "room"; it holds until the next line "log", also
// in the next room. Ids of events begin with "$".
//
// Sequences count the accepted events of a room from 1 without gaps, so several statements about a room either meet or leave a hole that is
// seen. All lines end with a line feed; ids hold neither spaces nor line feeds. The layout is fixed; another one gets another first line.
package statement

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
)

const (
	title      = "conclave accepted events v1"
	titleOfLog = "conclave accepted events v2"
)

// Event is one accepted event.
type Event struct {
	Room string
	Seq  uint64 // within the room, from 1
	ID   string
	Log  string // name of the log that holds it; "" where there is one
}

// ErrForm means that a statement does not have the layout, or does not hold what was signed.
var ErrForm = errors.New("statement: it is not a signed statement of accepted events")

// Write signs a statement. Events of one room stand together, in order.
func Write(w io.Writer, signer note.Signer, server string, events []Event) error {
	var list bytes.Buffer
	var last Event
	head := title
	for _, e := range events {
		if !plain(e.Room) || !plain(e.ID) {
			return fmt.Errorf("statement: %q in %q is no event", e.ID, e.Room)
		}
		if last.Room != e.Room || last.Seq+1 != e.Seq {
			fmt.Fprintf(&list, "room %s %d\n", e.Room, e.Seq)
		}
		if last.Log != e.Log {
			if e.Log == "" || strings.ContainsAny(e.Log, " \r\n") || e.ID[0] != '$' {
				return fmt.Errorf("statement: %s in %q cannot be said to be in the log %q", e.ID, e.Room, e.Log)
			}
			fmt.Fprintf(&list, "log %s\n", e.Log)
			head = titleOfLog
		}
		list.WriteString(e.ID + "\n")
		last = e
	}
	sum := sha256.Sum256(list.Bytes())
	text := fmt.Sprintf("%s\n%s\n%d\n%s\n", head, server, len(events), base64.StdEncoding.EncodeToString(sum[:]))
	signed, err := note.Sign(&note.Note{Text: text}, signer)
	if err != nil {
		return fmt.Errorf("statement: %w", err)
	}
	signed = append(signed, '\n')
	_, err = w.Write(append(signed, list.Bytes()...))
	return err
}

func plain(id string) bool {
	return len(id) > 1 && len(id) < 1024 && !strings.ContainsAny(id, " \r\n") && id[0] != 'r'
}

// maxNote is how long the signed part may be.
const maxNote = 1 << 16

// Read checks a statement's signature and gives its events. What f got counts only if Read gives no error: the list's hash is known at its
// end.
func Read(r io.Reader, key note.Verifier, f func(Event) error) (server string, err error) {
	in := bufio.NewReaderSize(r, 1<<16)
	server, count, sum, logs, err := readNote(in, key)
	if err != nil {
		return "", err
	}
	h := sha256.New()
	var e Event
	var n uint64
	log := ""
	for {
		line, err := in.ReadSlice('\n')
		if errors.Is(err, io.EOF) && len(line) == 0 {
			break
		}
		if err != nil {
			return "", ErrForm
		}
		h.Write(line)
		text := string(line[:len(line)-1])
		if room, ok := strings.CutPrefix(text, "room "); ok {
			if e, err = parseRoom(room); err != nil {
				return "", err
			}
			continue
		}
		if name, ok := strings.CutPrefix(text, "log "); ok && logs {
			if log = name; log == "" || strings.Contains(log, " ") {
				return "", ErrForm
			}
			continue
		}
		if e.Seq == 0 || !plain(text) || logs && (log == "" || text[0] != '$') {
			return "", ErrForm
		}
		e.Log = log
		e.ID = text
		if err := f(e); err != nil {
			return "", err
		}
		e.Seq++
		n++
	}
	if n != count || !bytes.Equal(h.Sum(nil), sum) {
		return "", fmt.Errorf("%w: its list is not the one that was signed", ErrForm)
	}
	return server, nil
}

func parseRoom(text string) (Event, error) {
	room, first, _ := strings.Cut(text, " ")
	seq, err := strconv.ParseUint(first, 10, 63)
	if err != nil || seq == 0 || !plain(room) {
		return Event{}, ErrForm
	}
	return Event{Room: room, Seq: seq}, nil
}

// readNote reads up to the empty line behind the signatures.
func readNote(in *bufio.Reader, key note.Verifier) (server string, count uint64, sum []byte, logs bool, err error) {
	var msg []byte
	for empty := 0; empty < 2; {
		line, err := in.ReadSlice('\n')
		if err != nil || len(msg)+len(line) > maxNote {
			return "", 0, nil, false, ErrForm
		}
		if len(line) == 1 {
			if empty++; empty == 2 {
				break
			}
		}
		msg = append(msg, line...)
	}
	n, err := note.Open(msg, note.VerifierList(key))
	if err != nil {
		return "", 0, nil, false, fmt.Errorf("%w: %w", ErrForm, err)
	}
	for _, sig := range n.Sigs { // one text for one signature
		if _, err := base64.StdEncoding.Strict().DecodeString(sig.Base64); err != nil {
			return "", 0, nil, false, ErrForm
		}
	}
	lines := strings.Split(n.Text, "\n")
	if len(lines) != 5 || lines[0] != title && lines[0] != titleOfLog {
		return "", 0, nil, false, ErrForm
	}
	count, err = strconv.ParseUint(lines[2], 10, 63)
	if err != nil {
		return "", 0, nil, false, ErrForm
	}
	sum, err = base64.StdEncoding.DecodeString(lines[3])
	if err != nil || len(sum) != sha256.Size {
		return "", 0, nil, false, ErrForm
	}
	return lines[1], count, sum, lines[0] == titleOfLog, nil
}
