package main

import (
	"context"
	"fmt"
	"os"
	"text/tabwriter"
	"time"

	"conclave.chat/internal/app"
	"conclave.chat/internal/group"
	"conclave.chat/internal/mx"
	"conclave.chat/internal/store/listing"
)

// groupCmd looks after groups. It works beside a running server, which notices within a second.
type groupCmd struct {
	Add     groupAddCmd     `cmd:"" help:"Make a group."`
	List    groupListCmd    `cmd:"" help:"List all groups."`
	Delete  groupDeleteCmd  `cmd:"" help:"End a group. Its members stay what they are otherwise."`
	Members groupMembersCmd `cmd:"" help:"List who is in a group."`
	Join    groupJoinCmd    `cmd:"" help:"Put people into a group."`
	Leave   groupLeaveCmd   `cmd:"" help:"Take people out of a group."`
}

// withGroups opens the groups for one command.
func (c *cli) withGroups(ctx context.Context, f func(*group.Service) error) error {
	return with(ctx, c, app.Groups, func(s *group.Service, _ mx.ServerName) error { return f(s) })
}

type groupAddCmd struct {
	ID   string `arg:"" help:"Its id, e.g. trading: small letters, digits and . _ -"`
	Name string `help:"The name that people read. Default: the id."`
}

// Run makes a group.
func (g *groupAddCmd) Run(ctx context.Context, c *cli) error {
	return c.withGroups(ctx, func(s *group.Service) error {
		_, err := s.Make(ctx, commandLine(), g.ID, g.Name)
		return err
	})
}

const listedAtOnce = 500

// eachPage prints a list page by page.
func eachPage[T any](head, order string, read func(listing.Page) (listing.Found[T], error), line func(*T) string) error {
	w := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, head)
	for p := (listing.Page{Order: order, Limit: listedAtOnce, Uncounted: true}); ; {
		found, err := read(p)
		if err != nil {
			return err
		}
		for i := range found.Items {
			fmt.Fprintln(w, line(&found.Items[i]))
		}
		if p.From = found.Next; p.From == "" {
			return w.Flush()
		}
	}
}

type groupListCmd struct{}

// Run lists groups.
func (groupListCmd) Run(ctx context.Context, c *cli) error {
	return c.withGroups(ctx, func(s *group.Service) error {
		return eachPage("GROUP\tMEMBERS\tNAME", "group_id", func(p listing.Page) (listing.Found[group.Group], error) { return s.List(ctx, "", p) },
			func(g *group.Group) string { return fmt.Sprintf("%s\t%d\t%s", g.ID, g.Members, g.Name) })
	})
}

type groupMembersCmd struct {
	ID string `arg:"" help:"The group's id."`
}

// Run lists the members of a group.
func (g *groupMembersCmd) Run(ctx context.Context, c *cli) error {
	return c.withGroups(ctx, func(s *group.Service) error {
		return eachPage("USER\tADDED\tNAME", "user_id", func(p listing.Page) (listing.Found[group.Member], error) { return s.Members(ctx, g.ID, "", p) },
			func(m *group.Member) string {
				return fmt.Sprintf("%s\t%s\t%s", m.User, time.UnixMilli(m.Added).Format(time.DateOnly), m.Display)
			})
	})
}

type groupDeleteCmd struct {
	ID  string `arg:"" help:"The group's id."`
	Yes bool   `help:"Do not ask."`
}

// Run ends a group.
func (g *groupDeleteCmd) Run(ctx context.Context, c *cli) error {
	if err := confirmName(g.Yes, g.ID, "delete the group"); err != nil {
		return err
	}
	return c.withGroups(ctx, func(s *group.Service) error { return s.Remove(ctx, commandLine(), g.ID) })
}

// grouped is the argument of commands about people and one group.
type grouped struct {
	ID    string   `arg:"" help:"The group's id."`
	Names []string `arg:"" help:"User names or user ids."`
}

func (g *grouped) change(ctx context.Context, c *cli, join bool) error {
	return with(ctx, c, app.Groups, func(s *group.Service, server mx.ServerName) error {
		in := make([]mx.UserID, len(g.Names))
		for i, n := range g.Names {
			in[i] = userID(n, server)
		}
		var out []mx.UserID
		if !join {
			in, out = nil, in
		}
		_, err := s.Change(ctx, commandLine(), g.ID, in, out)
		return err
	})
}

type (
	groupJoinCmd  struct{ grouped }
	groupLeaveCmd struct{ grouped }
)

// Run puts people into a group.
func (g *groupJoinCmd) Run(ctx context.Context, c *cli) error { return g.change(ctx, c, true) }

// Run takes people out of a group.
func (g *groupLeaveCmd) Run(ctx context.Context, c *cli) error { return g.change(ctx, c, false) }
