// Package pdf writes conversations as PDF, to be printed and filed: A4 pages with the case's number, the room and the time zone above and the page's number and the
// archive's checkpoint below. Pictures are shown small; the attachments themselves lie beside the PDF.
//
// The fonts are DejaVu Sans (Latin, Greek, Cyrillic, Hebrew, Arabic and many signs), Droid Sans Fallback (Chinese, Japanese, Korean) and Noto Emoji; officers may add one of
// their own. What none of them can show is written as the character's name or number in brackets; the records and the other formats have it as it was.
package pdf

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"codeberg.org/go-pdf/fpdf"

	"conclave.chat/internal/archive/export"
	"conclave.chat/internal/archive/export/prose"
	"conclave.chat/internal/archive/transcript"
)

// perFile is how many messages a file takes; a longer conversation has more files. The library holds a file in memory until it is whole.
const perFile = 2000

// Format is PDF.
type Format struct {
	job   *export.Job
	clock prose.Clock
	face  *face
	err   error
}

// New makes the format.
func New(j *export.Job) export.Format { return create(j, nil) }

func create(j *export.Job, own *typeface) export.Format {
	f, err := open(own)
	return &Format{job: j, clock: prose.Clock{Zone: j.Zone}, face: f, err: err}
}

// With makes the format with a font of the officers' own: it shows what DejaVu Sans does not.
func With(ttf []byte) (func(*export.Job) export.Format, error) {
	own, err := parse("own", ttf)
	if err == nil {
		err = try(own)
	}
	if err != nil {
		return nil, err
	}
	return func(j *export.Job) export.Format { return create(j, own) }, nil
}

// try has a document made with a font, for the writer of PDF takes much on trust.
func try(own *typeface) (err error) {
	defer func() {
		if recover() != nil {
			err = errFont
		}
	}()
	d := fpdf.New("P", "mm", "A4", "")
	d.AddUTF8FontFromBytes("own", "", own.raw)
	d.SetFont("own", "", normal)
	d.AddPage()
	used := []rune{}
	for r := rune(0x20); r < 0xffff && len(used) < 100; r++ {
		if g := own.glyph(r); g != nil {
			used = append(used, r)
		}
	}
	d.CellFormat(0, 10, string(used), "", 0, "L", false, 0, "")
	if d.Output(io.Discard) != nil {
		return errFont
	}
	return nil
}

// Close does nothing: each file is complete.
func (f *Format) Close() error { return f.err }

// Conversation writes a room's files.
func (f *Format) Conversation(ctx context.Context, c *transcript.Conversation, from int) error {
	if f.err != nil {
		return f.err
	}
	title := prose.Title(c)
	parts := (len(c.Messages) + perFile - 1) / perFile
	for i := from; i < max(1, parts); i++ {
		d := &document{Format: f, ctx: ctx, conv: c, title: title, messages: c.Messages[min(i*perFile, len(c.Messages)):min((i+1)*perFile, len(c.Messages))]}
		name := export.SafeName(title) + "-" + prose.Short(c.Room)
		if parts > 1 {
			d.part = fmt.Sprintf("part %d of %d", i+1, parts)
			name += fmt.Sprintf("-%d", i+1)
		}
		if err := d.write(name + ".pdf"); err != nil {
			return err
		}
		if err := f.job.Reached(i+1, nil); err != nil {
			return err
		}
	}
	return nil
}

// document is a file under way.
type document struct {
	*Format
	*fpdf.Fpdf
	ctx         context.Context //nolint:containedctx // of the one call that it lives for
	conv        *transcript.Conversation
	title, part string
	messages    []*transcript.Message
	fonts       map[string]bool // that the document has
}

// Sizes, in millimetres and points.
const (
	margin  = 18.0
	top     = 24.0
	bottom  = 20.0
	normal  = 9.5
	small   = 7.5
	indent  = 4.0
	picture = 45.0 // height of a picture at most
)

type colour [3]int

//nolint:gochecknoglobals // constants
var (
	ink  = colour{28, 32, 36}
	soft = colour{91, 100, 112}
	mark = colour{163, 35, 29}
	rule = colour{205, 210, 218}
)

func (d *document) write(name string) error {
	d.Fpdf = fpdf.New("P", "mm", "A4", "")
	d.SetCreationDate(d.job.Made)
	d.SetModificationDate(d.job.Made)
	d.SetCatalogSort(true)
	d.SetTitle(d.title+" – case "+d.job.Case, true)
	d.SetCreator(d.job.Tool, true)
	d.SetProducer(d.job.Tool, true)
	d.SetLang("en")
	d.fonts = map[string]bool{}
	d.use(d.face.fonts[0], normal)
	d.SetMargins(margin, top, margin)
	d.SetAutoPageBreak(true, bottom)
	d.SetCellMargin(0)
	d.AliasNbPages("{pages}")
	d.SetHeaderFunc(d.header)
	d.SetFooterFunc(d.footer)
	d.AddPage()
	d.begin()
	day := ""
	for _, m := range d.messages {
		if err := d.ctx.Err(); err != nil {
			return err
		}
		if is := m.Sent.In(d.job.Zone).Format("Monday, 2 January 2006"); is != day {
			day = is
			d.day(day)
		}
		if err := d.message(m); err != nil {
			return err
		}
	}
	out, err := d.job.Create(name)
	if err != nil {
		return err
	}
	if err := d.Output(out); err != nil {
		return fmt.Errorf("pdf: %s: %w", name, err)
	}
	return out.Close()
}

func (d *document) style(size float64, c colour, bold bool) {
	d.use(d.face.fonts[0], size)
	d.SetTextColor(c[0], c[1], c[2])
	mode := 0
	if bold { // the letters are drawn with an outline of their own colour
		mode = 2
		d.SetDrawColor(c[0], c[1], c[2])
		d.SetLineWidth(size * 0.008)
	}
	d.SetTextRenderingMode(mode)
}

// height of a line.
func height(size float64) float64 { return size * 0.3528 * 1.35 }

// text writes a text within the margins, indented, over as many lines and pages as it takes.
func (d *document) text(s string, size float64, c colour, bold bool, in float64) {
	width, _ := d.GetPageSize()
	width -= 2*margin + in
	for para := range strings.SplitSeq(d.face.printable(s), "\n") {
		lines := []string{""}
		if strings.TrimSpace(para) != "" {
			lines = d.face.lines(para, width/size/millimetres)
		}
		for _, line := range lines {
			d.keep(height(size))
			d.style(size, c, bold)
			drawn, rtl := d.face.visual(line)
			d.SetX(margin + in)
			if rtl {
				d.SetX(margin + in + width - d.face.em(drawn)*size*millimetres)
			}
			d.put(drawn, size)
			d.Ln(height(size))
		}
	}
	d.SetTextRenderingMode(0)
}

// one writes a line that is cut where it is too long, as headers have it.
func (d *document) one(s, align string, size, width float64) {
	line := d.face.printable(strings.ReplaceAll(s, "\n", " "))
	if most := width / size / millimetres; d.face.em(line) > most {
		line = d.face.lines(line, most-d.face.em("…"))[0] + "…"
	}
	drawn, _ := d.face.visual(line)
	x := d.GetX()
	if align == "R" {
		d.SetX(x + width - d.face.em(drawn)*size*millimetres)
	}
	d.put(drawn, size)
	d.SetX(x + width)
}

func (d *document) line() {
	w, _ := d.GetPageSize()
	d.SetDrawColor(rule[0], rule[1], rule[2])
	d.SetLineWidth(0.2)
	d.Line(margin, d.GetY(), w-margin, d.GetY())
}

func (d *document) header() {
	w, _ := d.GetPageSize()
	d.SetXY(margin, 12)
	d.style(small, soft, false)
	d.one("Case "+d.job.Case+" · "+d.title, "L", small, (w-2*margin)*0.7)
	d.one("Times in "+d.job.Zone.String(), "R", small, (w-2*margin)*0.3)
	d.SetXY(margin, 17)
	d.line()
	d.SetXY(margin, top)
}

func (d *document) footer() {
	w, h := d.GetPageSize()
	d.SetXY(margin, h-14)
	d.line()
	d.SetXY(margin, h-13)
	d.style(small-1, soft, false)
	d.one(d.job.Archive+": "+d.job.Checkpoint, "L", small-1, (w-2*margin)*0.8)
	d.style(small-1, soft, false)
	d.CellFormat((w-2*margin)*0.2, height(small), fmt.Sprintf("%d / {pages}", d.PageNo()), "", 0, "R", false, 0, "")
}

func (d *document) begin() {
	d.text(d.title, 16, ink, true, 0)
	if d.part != "" {
		d.text(d.part, normal, soft, false, 0)
	}
	d.Ln(1)
	for _, fact := range []string{
		"Room: " + d.conv.Room, "Case: " + d.job.Case, "Times in: " + d.job.Zone.String(), "Made: " + d.clock.Time(d.job.Made) + ", " + d.job.Tool,
		"Archive: " + d.job.Archive, "Checkpoint: " + d.job.Checkpoint,
	} {
		d.text(fact, small, soft, false, 0)
	}
	d.Ln(2)
	d.text("Participants", normal, ink, true, 0)
	for _, p := range d.clock.Participants(d.conv) {
		d.text("• "+p, small+0.5, ink, false, indent)
	}
}

func (d *document) day(day string) {
	d.keep(20)
	d.Ln(4)
	d.Bookmark(day, 0, -1)
	d.text(day, normal+1, ink, true, 0)
	d.Ln(0.5)
	d.line()
	d.Ln(1.5)
}

// keep begins a new page if there is less room than that on this one.
func (d *document) keep(room float64) {
	if _, h := d.GetPageSize(); d.GetY()+room > h-bottom {
		d.AddPage()
	}
}

func (d *document) message(m *transcript.Message) error {
	d.keep(3 * height(normal))
	name := prose.Person(m.SenderName, m.Sender)
	d.text(m.Sent.In(d.job.Zone).Format("15:04:05 -07:00")+"  "+name, normal, ink, true, 0)
	if m.Deleted != nil {
		d.text("This message was "+d.clock.Removed(m.Deleted)+". It said:", small+0.5, mark, true, indent)
	}
	shade := ink
	if m.State {
		shade = soft
	}
	d.text(prose.Body(m), normal, shade, false, indent)
	rest := *m
	rest.Deleted = nil // it stands above
	for _, n := range d.clock.Notes(&rest) {
		d.text("– "+n, small+0.5, soft, false, indent)
	}
	for _, a := range prose.Files(m) {
		if err := d.file(a); err != nil {
			return err
		}
	}
	proof := m.EventID + " · record " + fmt.Sprint(m.Seq)
	if dev := prose.Device(m); dev != "" {
		proof += " · device " + dev
	}
	d.text(proof, small-1, soft, false, indent)
	d.Ln(1.8)
	return nil
}

func (d *document) file(a transcript.Attachment) error {
	name, err := d.job.Attachment(a.Attachment)
	var missing *export.MissingError
	switch {
	case errors.As(err, &missing):
		d.text(fmt.Sprintf("Attachment %s (%d bytes) could not be opened: %s", a.Name, a.Size, missing.Reason), small+0.5, mark, false, indent)
		return nil
	case err != nil:
		return err
	}
	d.text(fmt.Sprintf("Attachment %s, %s, %d bytes: %s", a.Name, a.Type, a.Size, name), small+0.5, ink, false, indent)
	d.text("SHA-256 "+a.SHA256, small-1, soft, false, indent)
	if a.Thumbnail {
		return nil
	}
	return d.picture(a)
}
