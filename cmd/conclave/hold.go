package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/go-json-experiment/json"

	"conclave.chat/internal/app"
	"conclave.chat/internal/mx"
	"conclave.chat/internal/retention"
	"conclave.chat/internal/store/listing"
)

// holdCmd looks after legal holds, beside a running server or without one.
type holdCmd struct {
	Add     holdAddCmd     `cmd:"" help:"Keep what a person, a room or a period covers from being destroyed, at once."`
	List    holdListCmd    `cmd:"" help:"List legal holds."`
	Read    holdReadCmd    `cmd:"" help:"Print, as JSON Lines, what was removed and the hold keeps: messages as they were before they were redacted, and of a person what was deleted or replaced of the key backup."`
	Release holdReleaseCmd `cmd:"" help:"End a legal hold, and say what is due then."`
}

func (c *cli) withHolds(ctx context.Context, f func(*retention.Service, mx.ServerName) error) error {
	return with(ctx, c, app.Holds, f)
}

type holdAddCmd struct {
	Case   string `required:"" help:"The case number. Whoever releases the hold has to say it."`
	Reason string `required:"" help:"Why."`
	Person string `help:"User name or user id: keeps what was said in all rooms that this person was in meanwhile, and the person's account and files."`
	Room   string `help:"Id of a room."`
	Since  string `help:"Only messages from this day on: 2026-01-31, or a time: 2026-01-31T12:00:00Z."`
	Until  string `help:"Only messages before this day or time."`
}

// Run places a hold.
func (a *holdAddCmd) Run(ctx context.Context, c *cli) error {
	h := retention.Hold{Case: a.Case, Reason: a.Reason, Room: mx.RoomID(a.Room)}
	for _, m := range []struct {
		text string
		to   *int64
	}{{a.Since, &h.Since}, {a.Until, &h.Until}} {
		t, err := moment(time.UTC, m.text)
		if err != nil {
			return err
		}
		if !t.IsZero() {
			*m.to = t.UnixMilli()
		}
	}
	return c.withHolds(ctx, func(s *retention.Service, server mx.ServerName) error {
		if a.Person != "" {
			h.Custodian = userID(a.Person, server)
		}
		placed, err := s.PlaceHold(ctx, commandLine(), h)
		if err != nil {
			return err
		}
		fmt.Printf("Hold %s is in force: nothing that it covers is destroyed from now on.\n", placed.ID)
		return nil
	})
}

type holdListCmd struct {
	All bool `help:"Also those that were released."`
}

// Run lists holds.
func (l *holdListCmd) Run(ctx context.Context, c *cli) error {
	f := retention.HoldFilter{State: "in_force"}
	if l.All {
		f.State = ""
	}
	return c.withHolds(ctx, func(s *retention.Service, _ mx.ServerName) error {
		return eachPage("HOLD\tCASE\tPERSON\tROOM\tSINCE\tUNTIL\tPLACED\tBY\tRELEASED", "created",
			func(p listing.Page) (listing.Found[retention.Hold], error) { return s.Holds(ctx, commandLine(), f, p) },
			func(h *retention.Hold) string {
				row := []string{h.ID, h.Case, string(h.Custodian), string(h.Room), spell(h.Since), spell(h.Until), spell(h.Created), h.CreatedBy, spell(h.Released)}
				for k := range row {
					if row[k] == "" {
						row[k] = "-"
					}
				}
				return strings.Join(row, "\t")
			})
	})
}

// spell writes a time; "" for none.
func spell(ms int64) string {
	if ms == 0 {
		return ""
	}
	return time.UnixMilli(ms).UTC().Format("2006-01-02T15:04Z")
}

type holdReleaseCmd struct {
	Hold string `arg:"" help:"The hold's id, as conclave hold list prints it."`
	Case string `required:"" help:"Its case number, as a proof that it is the right one."`
}

// Run releases a hold.
func (r *holdReleaseCmd) Run(ctx context.Context, c *cli) error {
	return c.withHolds(ctx, func(s *retention.Service, _ mx.ServerName) error {
		_, due, err := s.ReleaseHold(ctx, commandLine(), r.Hold, r.Case)
		if err != nil {
			return err
		}
		fmt.Println("Released. What this hold was the last to keep goes now:")
		for _, line := range []struct {
			n    int64
			what string
		}{
			{due.Messages, "messages that were due"},
			{due.Rooms, "rooms that they are in"},
			{due.Redacted, "redacted messages whose content was kept"},
			{due.Files, "files"},
			{due.Deletions, "rooms whose deletion waited"},
			{due.Accounts, "accounts whose erasure waited"},
			{due.Keys, "keys of a key backup, and what belongs to it, that were deleted or replaced"},
		} {
			fmt.Printf("%8d %s\n", line.n, line.what)
		}
		return nil
	})
}

type holdReadCmd struct {
	Hold string `arg:"" help:"The hold's id, as conclave hold list prints it."`
}

// Run prints what is withheld.
func (r *holdReadCmd) Run(ctx context.Context, c *cli) error {
	return c.withHolds(ctx, func(s *retention.Service, _ mx.ServerName) error {
		return s.Withheld(ctx, commandLine(), r.Hold, func(k *retention.Kept) error {
			line, err := json.Marshal(k)
			if err == nil {
				_, err = fmt.Printf("%s\n", line)
			}
			return err
		})
	})
}
