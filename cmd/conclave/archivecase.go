package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"golang.org/x/term"

	"conclave.chat/internal/archive/casefile"
	"conclave.chat/internal/archive/query"
	"conclave.chat/internal/archive/show"
	"conclave.chat/internal/archive/transcript"
)

// openCase asks for the passphrase of a case.
func openCase(ctx context.Context, dir string) (*casefile.Case, error) {
	if isCase, _ := casefile.Exists(dir); !isCase {
		return nil, fmt.Errorf("%s: %w", dir, casefile.ErrNoCase)
	}
	pass, err := askPassphrase(bufio.NewReader(os.Stdin), "Passphrase of the case", false)
	if err != nil {
		return nil, err
	}
	return casefile.Open(ctx, dir, pass)
}

// period is a span of time as officers give it: days are those of a time zone.
type period struct {
	Since string `help:"Only from this day on (2026-01-31), or this time (2026-01-31T08:00:00Z)."`
	Until string `help:"Only before this day or time."`
	Zone  string `help:"Time zone of days and of the times that are shown, such as Europe/Berlin." default:"UTC"`
}

func (p *period) read() (since, until time.Time, zone *time.Location, err error) {
	if zone, err = time.LoadLocation(p.Zone); err != nil || p.Zone == "Local" || p.Zone == "" {
		return since, until, nil, fmt.Errorf("--zone: %q is not a time zone such as Europe/Berlin", p.Zone)
	}
	if since, err = moment(zone, p.Since); err != nil {
		return since, until, nil, err
	}
	if until, err = moment(zone, p.Until); err != nil {
		return since, until, nil, err
	}
	return since, until, zone, nil
}

// output says how to write to standard output.
func output(zone *time.Location) show.Options {
	o := show.Options{Zone: zone}
	if fd := int(os.Stdout.Fd()); term.IsTerminal(fd) {
		o.Colour = os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb"
		if w, _, err := term.GetSize(fd); err == nil {
			o.Width = w
		}
	}
	return o
}

type archiveSearchCmd struct {
	Dir      string   `arg:"" help:"The case's folder." type:"path"`
	Query    []string `arg:"" optional:"" help:"What to look for: words, \"a phrase\", begin*, AND, OR, NOT, brackets. Without it, all that the options let through."`
	Person   []string `help:"Only what these have sent: user ids, or parts of names." sep:"none"`
	Room     []string `help:"Only these rooms: ids or names." sep:"none"`
	Kind     []string `help:"Only these kinds, such as text, file, image, voice, poll, edit, deletion, membership, gap."`
	File     string   `help:"Only with a file of this name; * and ? stand for any characters."`
	FileType string   `help:"Only with a file of this type, such as image/ or application/pdf."`
	Limit    int      `help:"How many results at most." default:"50"`
	Offset   int      `help:"How many results to leave out at the beginning."`
	JSON     bool     `help:"One JSON object a line." name:"json"`
	period
}

// Run searches a case.
func (s *archiveSearchCmd) Run(ctx context.Context) error {
	look := casefile.Search{Query: query.Parse(strings.Join(s.Query, " ")), Limit: s.Limit, Offset: s.Offset}
	f := casefile.Filter{People: s.Person, Rooms: s.Room, File: s.File, FileType: s.FileType}
	var zone *time.Location
	var err error
	if f.Since, f.Until, zone, err = s.read(); err != nil {
		return err
	}
	for _, k := range s.Kind {
		kind := transcript.Kind(strings.ReplaceAll(k, "-", " "))
		if !slices.Contains(transcript.Kinds(), kind) {
			return fmt.Errorf("--kind: %q is none of %v", k, transcript.Kinds())
		}
		f.Kinds = append(f.Kinds, kind)
	}
	if look.Filter = f; look.Limit < 1 || look.Offset < 0 {
		return errors.New("--limit must be 1 at least, and --offset 0")
	}
	if look.Query.Empty() && len(s.Query) > 0 {
		return errors.New("the query has no word to look for")
	}
	c, err := openCase(ctx, s.Dir)
	if err != nil {
		return err
	}
	defer c.Close()
	hits, more, err := c.Search(ctx, look)
	if err != nil {
		return err
	}
	if s.JSON {
		for _, h := range hits {
			line, err := json.Marshal(&h)
			if err != nil {
				return err
			}
			fmt.Println(show.JSON(line))
		}
		return nil
	}
	if err := show.Hits(os.Stdout, hits, output(zone)); err != nil {
		return err
	}
	switch {
	case more:
		fmt.Printf("Results %d to %d; there are more: --offset %d\n", s.Offset+1, s.Offset+len(hits), s.Offset+len(hits))
	case len(hits) == 0:
		fmt.Println("Nothing was found.")
	default:
		fmt.Printf("Results %d to %d; there are no more.\n", s.Offset+1, s.Offset+len(hits))
	}
	return nil
}

type archiveShowCmd struct {
	Dir    string `arg:"" help:"The case's folder." type:"path"`
	Room   string `help:"The room to show: id or name. Without it, the rooms are listed."`
	Around string `help:"Show this event, and what was said before and after it."`
	Near   int    `help:"How many entries before and after that." default:"10"`
	period
}

// Run shows a conversation as its members saw it.
func (s *archiveShowCmd) Run(ctx context.Context) error {
	part := show.Part{Around: s.Around, Near: max(s.Near, 0)}
	var zone *time.Location
	var err error
	if part.Since, part.Until, zone, err = s.read(); err != nil {
		return err
	}
	c, err := openCase(ctx, s.Dir)
	if err != nil {
		return err
	}
	defer c.Close()
	var ids []string
	switch {
	case s.Room != "":
		ids, err = c.FindRooms(ctx, s.Room)
	case s.Around != "":
		ids = make([]string, 1)
		ids[0], _, err = c.Locate(ctx, s.Around)
	default:
		rooms, err := c.Rooms(ctx)
		if err != nil {
			return err
		}
		return show.Rooms(os.Stdout, rooms, output(zone))
	}
	if err != nil {
		return err
	}
	if len(ids) > 1 {
		return fmt.Errorf("%d rooms have had the name %q: name one by its id: %s", len(ids), s.Room, show.Line(strings.Join(ids, ", ")))
	}
	conversation, err := c.Transcript(ctx, ids[0])
	if err != nil {
		return err
	}
	w := bufio.NewWriter(os.Stdout)
	return errors.Join(show.Conversation(w, conversation, part, output(zone)), w.Flush())
}

type archiveCaseCmd struct {
	Close archiveCaseCloseCmd `cmd:"" help:"End a case: destroy its key, then its files."`
}

type archiveCaseCloseCmd struct {
	Dir string `arg:"" help:"The case's folder." type:"path"`
	Yes bool   `help:"Do not ask."`
}

// Run ends a case. On a terminal its number has to be typed.
func (s *archiveCaseCloseCmd) Run() error {
	number, err := casefile.Number(s.Dir)
	if err != nil {
		return fmt.Errorf("%s: %w", s.Dir, err)
	}
	if !s.Yes && term.IsTerminal(int(os.Stdin.Fd())) {
		fmt.Fprintf(os.Stderr, "This destroys the case %s in %s. Type its number to go on: ", show.Line(number), s.Dir)
		line, err := bufio.NewReader(os.Stdin).ReadString('\n')
		if err != nil || strings.TrimSpace(line) != number {
			return errors.New("nothing was destroyed")
		}
	}
	d, err := casefile.Destroy(s.Dir)
	if err != nil {
		return err
	}
	if d.Key {
		fmt.Println("The case's key is destroyed: nothing of it can be read any more, in copies without the key neither.")
	} else {
		fmt.Println("The case's key had been destroyed before.")
	}
	fmt.Printf("Removed %d files, %d bytes. Copies of case.key in backups or snapshots have to be destroyed there.\n", d.Files, d.Bytes)
	for _, name := range d.Left {
		fmt.Printf("Left: %s is no file of a case.\n", name)
	}
	fmt.Printf("The case %s is closed. The archive still has what it was made of; opening it again takes the quorum.\n", show.Line(d.Number))
	return nil
}
