// Package mail writes Internet messages (RFC 5322, MIME) as a stream, the same bytes for the same message. It refuses to let a text become a header of its own.
package mail

import (
	"fmt"
	"io"
	"mime"
	"net/mail"
	"slices"
	"strings"
	"time"

	"github.com/emersion/go-message"

	"conclave.chat/internal/archive/export/prose"
)

// Field is a header field. A value that is not plain ASCII is encoded (RFC 2047).
type Field struct {
	Name, Value string
	// Raw values are written as they are: the caller has made them of safe parts.
	Raw bool
}

// Writer writes one message.
type Writer struct{ w *message.Writer }

// New begins a multipart message with these fields in this order.
func New(w io.Writer, boundary string, fields ...Field) (*Writer, error) {
	h := message.Header{}
	// Neither base64 nor quoted-printable gives "=_", so no part can hold the boundary.
	h.Set("Content-Type", mime.FormatMediaType("multipart/mixed", map[string]string{"boundary": "=_" + boundary}))
	h.Set("MIME-Version", "1.0")
	for _, f := range slices.Backward(fields) { // each is put before those that are there
		switch {
		case f.Value == "":
		case f.Raw:
			h.Add(f.Name, strings.NewReplacer("\r", "", "\n", "").Replace(f.Value))
		default:
			h.Add(f.Name, mime.QEncoding.Encode("utf-8", f.Value))
		}
	}
	m, err := message.CreateWriter(w, h)
	if err != nil {
		return nil, fmt.Errorf("mail: %w", err)
	}
	return &Writer{m}, nil
}

func (w *Writer) part(typ, disposition, encoding string, write func(io.Writer) error) error {
	h := message.Header{}
	h.Set("Content-Transfer-Encoding", encoding)
	if disposition != "" {
		h.Set("Content-Disposition", disposition)
	}
	h.Set("Content-Type", typ)
	p, err := w.w.CreatePart(h)
	if err != nil {
		return fmt.Errorf("mail: %w", err)
	}
	if err := write(p); err != nil {
		return err
	}
	if err := p.Close(); err != nil {
		return fmt.Errorf("mail: %w", err)
	}
	return nil
}

// Text adds a text.
func (w *Writer) Text(text string) error {
	return w.part("text/plain; charset=utf-8", "", "quoted-printable", func(p io.Writer) error {
		_, err := io.WriteString(p, text)
		return err
	})
}

// Attach adds a file.
func (w *Writer) Attach(name, typ string, write func(io.Writer) error) error {
	return w.part(Type(typ), mime.FormatMediaType("attachment", map[string]string{"filename": name}), "base64", write)
}

// Close ends the message.
func (w *Writer) Close() error { return w.w.Close() }

// Type is the type of a file as somebody said it, if it is one that a file in a message may have.
func Type(said string) string {
	const unknown = "application/octet-stream"
	typ, _, err := mime.ParseMediaType(said)
	if err != nil || !strings.Contains(typ, "/") || strings.HasPrefix(typ, "multipart/") || strings.HasPrefix(typ, "message/") {
		return unknown
	}
	return typ
}

// Date is a time as a header has it.
func Date(t time.Time) string { return t.Format("Mon, 02 Jan 2006 15:04:05 -0700") }

// Address is a person's: the Matrix id @name:server is name@server, without a port.
func Address(name, id string) string {
	return (&mail.Address{Name: short(strings.Join(strings.Fields(name), " ")), Address: AddrSpec(id)}).String()
}

// most is how long a name, or either side of an address, is at most: a line of a header ends by 998 characters, and these have no place where it could be folded. What is
// longer stands in the text.
const most = 200

func short(s string) string {
	if len(s) <= most {
		return s
	}
	return strings.ToValidUTF8(s[:most], "") + "…"
}

// plain gives the characters of a side of an address that all programs take; ids of Matrix have no others.
func plain(s string) string {
	s = strings.Map(func(r rune) rune {
		if r < 0x20 || r > 0x7e {
			return '_'
		}
		return r
	}, s)
	return s[:min(len(s), most)]
}

// AddrSpec is the address alone.
func AddrSpec(id string) string {
	local, server, _ := strings.Cut(strings.TrimPrefix(id, "@"), ":")
	if i := strings.LastIndexByte(server, ':'); i >= 0 && !strings.HasSuffix(server, "]") {
		server = server[:i]
	}
	local, server = plain(local), plain(server)
	if strings.TrimSpace(local) == "" {
		local = "unknown"
	}
	if server == "" || strings.ContainsAny(server, "<>@,;\" \t\r\n\\") {
		server = "invalid"
	}
	return local + "@" + server
}

// Addresses are those of several people.
func Addresses(names map[string]string, ids []string) string {
	list := make([]string, len(ids))
	for i, id := range ids {
		list[i] = Address(names[id], id)
	}
	return strings.Join(list, ", ")
}

// ID makes a Message-ID out of what the message is about; origin is the name of the archive's log.
func ID(origin string, about ...string) string {
	domain, _, _ := strings.Cut(origin, "/")
	if domain == "" || strings.ContainsAny(domain, "<>@ \t\r\n") {
		domain = "invalid"
	}
	return "<" + prose.Short(about...) + prose.Short(append([]string{"id"}, about...)...) + "@" + domain + ">"
}
