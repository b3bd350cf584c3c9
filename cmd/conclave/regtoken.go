package main

import (
	"context"
	"fmt"
	"os"
	"text/tabwriter"
	"time"

	"conclave.chat/internal/ident"
)

// registrationTokenCmd looks after the tokens that open registration where accounts.registration.mode is token.
type registrationTokenCmd struct {
	Add    tokenAddCmd    `cmd:"" help:"Make a registration token and print it once."`
	List   tokenListCmd   `cmd:"" help:"List the registration tokens by the characters that they begin with."`
	Revoke tokenRevokeCmd `cmd:"" help:"Make a registration token useless."`
}

type tokenAddCmd struct {
	Token   string        `arg:"" optional:"" help:"The token: 6 to 64 letters, digits or . _ ~ -. Default: a random one."`
	Uses    int64         `help:"Number of accounts that it is good for; 0 is any number."`
	Expires time.Duration `help:"How long it is good for, e.g. 48h; 0 is without end."`
}

// Run makes a registration token.
func (t *tokenAddCmd) Run(ctx context.Context, c *cli) error {
	return c.withAccounts(ctx, func(s *ident.Service) error {
		token, err := s.Invite(commandLine(), t.Token, t.Uses, t.Expires)
		if err == nil {
			fmt.Println(token)
		}
		return err
	})
}

type tokenListCmd struct{}

// Run lists registration tokens.
func (tokenListCmd) Run(ctx context.Context, c *cli) error {
	return c.withAccounts(ctx, func(s *ident.Service) error {
		list, err := s.Invitations(ctx)
		if err != nil {
			return err
		}
		w := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', 0)
		fmt.Fprintln(w, "TOKEN\tUSED\tALLOWED\tEXPIRES")
		for _, i := range list {
			allowed, expires := "any", "never"
			if i.Allowed > 0 {
				allowed = fmt.Sprint(i.Allowed)
			}
			if i.Expires > 0 {
				expires = time.UnixMilli(i.Expires).Format(time.DateTime)
			}
			fmt.Fprintf(w, "%s…\t%d\t%s\t%s\n", i.Name, i.Used, allowed, expires)
		}
		return w.Flush()
	})
}

type tokenRevokeCmd struct {
	Name string `arg:"" help:"The characters that the token begins with, as list prints them."`
}

// Run revokes a registration token.
func (t *tokenRevokeCmd) Run(ctx context.Context, c *cli) error {
	return c.withAccounts(ctx, func(s *ident.Service) error { return s.Revoke(commandLine(), t.Name) })
}
