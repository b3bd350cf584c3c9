//go:build goolm

package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/user"
	"time"

	"conclave.chat/internal/archive/expiry"
	"conclave.chat/internal/recorder"
)

type recorderCheckCmd struct {
	Path string `arg:"" help:"The recorder's configuration file." type:"path"`
}

// Run verifies; the result is also what the homeserver then shows.
func (c *recorderCheckCmd) Run(ctx context.Context) error {
	cfg, err := recorder.Load(c.Path)
	if err != nil {
		return err
	}
	r, err := recorder.Check(ctx, cfg, nil)
	if err != nil {
		return err
	}
	return printReport(os.Stdout, r)
}

type recorderExpireCmd struct {
	Path   string `arg:"" help:"The recorder's configuration file." type:"path"`
	DryRun bool   `help:"Only say what would be destroyed and what holds keep. Works while the recorder runs."`
}

// Run destroys what is due.
func (e *recorderExpireCmd) Run(ctx context.Context) error {
	cfg, err := recorder.Load(e.Path)
	if err != nil {
		return err
	}
	if len(cfg.Retention.Classes) == 0 {
		return errors.New("the configuration has no retention classes: everything is kept")
	}
	if e.DryRun {
		r, err := recorder.Plan(ctx, cfg)
		if err != nil {
			return err
		}
		printExpiry(r, r.Due, "would be destroyed")
		return nil
	}
	r, err := recorder.Expire(ctx, cfg, "conclave recorder expire, run by "+whoami())
	if r != nil {
		printExpiry(r, r.Destroyed, "destroyed")
	}
	return err
}

func printExpiry(r *expiry.Result, segments []expiry.Segment, what string) {
	for _, s := range segments {
		fmt.Printf("segment %s  class %s, kept %s  %s to %s  %s\n", s.ID, s.Class, s.Term, s.Opened.Format(time.RFC3339), s.Closed.Format(time.RFC3339), what)
	}
	for _, h := range r.Held {
		fmt.Printf("segment %s  class %s, kept %s  %s to %s  held: %s\n", h.ID, h.Class, h.Term, h.Opened.Format(time.RFC3339), h.Closed.Format(time.RFC3339), h.Why)
	}
	for _, name := range r.Strays {
		fmt.Printf("attachment of a message that was refused  %s  %s\n", name, what)
	}
	for _, name := range r.Waiting {
		fmt.Printf("note: the bucket keeps %s for now; the next run tries again\n", name)
	}
	for _, class := range r.Unknown {
		fmt.Printf("note: the configuration has no class %s: what is in it is kept\n", class)
	}
	fmt.Printf("%d segments %s, %d held.\n", len(segments), what, len(r.Held))
	if r.More {
		fmt.Println("There are more: this is as much as one run takes.")
	}
}

// whoami names who runs the program, for the record.
func whoami() string {
	name := "somebody"
	if u, err := user.Current(); err == nil {
		name = u.Username
	}
	if host, err := os.Hostname(); err == nil {
		name += " on " + host
	}
	return name
}

type recorderHoldCmd struct {
	Add     recorderHoldAddCmd     `cmd:"" help:"Place a hold: from this moment on nothing that it covers is destroyed."`
	List    recorderHoldListCmd    `cmd:"" help:"List holds."`
	Release recorderHoldReleaseCmd `cmd:"" help:"Release a hold, and say what is due then."`
}

type recorderHoldAddCmd struct {
	Path   string `arg:"" help:"The recorder's configuration file." type:"path"`
	Case   string `required:"" help:"The case number. Whoever releases the hold has to say it."`
	Reason string `help:"Why."`
	Person string `help:"User id: keeps what this person could see. Default: everybody's."`
	Room   string `help:"Id of a room. Default: every room."`
	Since  string `help:"Only messages from this day on: 2026-01-31, or a time: 2026-01-31T12:00:00Z."`
	Until  string `help:"Only messages before this day or time."`
}

// Run places a hold.
func (a *recorderHoldAddCmd) Run() error {
	cfg, err := recorder.Load(a.Path)
	if err != nil {
		return err
	}
	holds, err := recorder.OpenHolds(cfg)
	if err != nil {
		return err
	}
	h := recorder.Hold{Case: a.Case, Reason: a.Reason, Custodian: a.Person, Room: a.Room, By: whoami()}
	if h.Since, err = moment(time.UTC, a.Since); err != nil {
		return err
	}
	if h.Until, err = moment(time.UTC, a.Until); err != nil {
		return err
	}
	if h, err = holds.Add(h); err != nil {
		return err
	}
	fmt.Printf("Hold %s is in force: the archive destroys nothing that it covers from now on. The homeserver's administrators cannot release it.\n", h.ID)
	room, person, err := recorder.Occurs(cfg, h)
	if err != nil {
		return err
	}
	for _, w := range []struct {
		id    string
		known bool
	}{{h.Room, room}, {h.Custodian, person}} {
		if !w.known {
			fmt.Printf("WARNING: nothing that is sealed is known to hold anything of %s. If that is mistyped, this hold keeps nothing: release it, and place it anew.\n", w.id)
		}
	}
	return nil
}

func openHolds(path string) (*recorder.Holds, error) {
	cfg, err := recorder.Load(path)
	if err != nil {
		return nil, err
	}
	return recorder.OpenHolds(cfg)
}

type recorderHoldListCmd struct {
	Path string `arg:"" help:"The recorder's configuration file." type:"path"`
	All  bool   `help:"Also those that were released."`
}

// Run lists holds.
func (l *recorderHoldListCmd) Run() error {
	holds, err := openHolds(l.Path)
	if err != nil {
		return err
	}
	list, err := holds.List()
	if err != nil {
		return err
	}
	n := 0
	for _, h := range list {
		if h.Released.IsZero() {
			n++
		} else if !l.All {
			continue
		}
		fmt.Printf("%s  case %s  %s  placed %s by %s", h.ID, h.Case, heldScope(h), h.Created.Format(time.RFC3339), h.By)
		if !h.Released.IsZero() {
			fmt.Printf("  released %s by %s", h.Released.Format(time.RFC3339), h.ReleasedBy)
		}
		fmt.Println()
	}
	fmt.Printf("%d holds are in force here. The homeserver has holds of its own.\n", n)
	return nil
}

// heldScope says in words what a hold covers.
func heldScope(h recorder.Hold) string {
	text := "everything"
	switch {
	case h.Custodian != "" && h.Room != "":
		text = "what " + h.Custodian + " could see in " + h.Room
	case h.Custodian != "":
		text = "what " + h.Custodian + " could see"
	case h.Room != "":
		text = "what was said in " + h.Room
	}
	if !h.Since.IsZero() {
		text += " from " + h.Since.Format(time.DateOnly)
	}
	if !h.Until.IsZero() {
		text += " until before " + h.Until.Format(time.DateOnly)
	}
	return text
}

type recorderHoldReleaseCmd struct {
	Path string `arg:"" help:"The recorder's configuration file." type:"path"`
	ID   string `arg:"" help:"The hold's id, as list shows it."`
	Case string `required:"" help:"Its case number, as a proof that it is the right one."`
}

// Run releases a hold.
func (r *recorderHoldReleaseCmd) Run(ctx context.Context) error {
	cfg, err := recorder.Load(r.Path)
	if err != nil {
		return err
	}
	holds, err := recorder.OpenHolds(cfg)
	if err != nil {
		return err
	}
	h, err := holds.Release(r.ID, r.Case, whoami())
	if err != nil {
		return err
	}
	fmt.Printf("Hold %s of case %s is released.\n", h.ID, h.Case)
	if len(cfg.Retention.Classes) == 0 {
		return nil
	}
	plan, err := recorder.Plan(ctx, cfg)
	if err != nil {
		fmt.Printf("What is due now is not known: %v\n", err)
		return nil
	}
	switch {
	case len(plan.Due) > 0:
		fmt.Printf("%d segments are due now: their keys will be destroyed by the next daily run, or by conclave recorder expire. %d more are held.\n", len(plan.Due), len(plan.Held))
	case len(plan.Held) > 0:
		fmt.Printf("Nothing is due now: other holds keep %d segments whose time is over.\n", len(plan.Held))
	default:
		fmt.Println("Nothing is due now.")
	}
	return nil
}
