package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"text/tabwriter"
	"time"

	"golang.org/x/term"

	"conclave.chat/internal/app"
	"conclave.chat/internal/ident"
	"conclave.chat/internal/mx"
)

// userCmd looks after accounts. It works beside a running server, which notices within a second.
type userCmd struct {
	Add           userAddCmd        `cmd:"" help:"Make an account. Its password is asked for, or made up and printed once."`
	List          userListCmd       `cmd:"" help:"List all accounts."`
	ResetPassword userResetCmd      `cmd:"" help:"Give an account a new random password, print it once, and sign out all its devices."`
	Deactivate    userDeactivateCmd `cmd:"" help:"End an account for good: its devices are signed out, it leaves all rooms, nobody gets its name."`
	Export        userExportCmd     `cmd:"" help:"Write a copy of all that the server has of a person (GDPR 15 and 20)."`
	Erase         userEraseCmd      `cmd:"" help:"End an account for good and remove what its owner stored, sent and uploaded, as far as legal holds let it (GDPR 17)."`
	Lock          userLockCmd       `cmd:"" help:"Keep an account from doing anything until it is unlocked."`
	Unlock        userUnlockCmd     `cmd:"" help:"Undo lock."`
	Suspend       userSuspendCmd    `cmd:"" help:"Let an account read but not write until it is unsuspended."`
	Unsuspend     userUnsuspendCmd  `cmd:"" help:"Undo suspend."`
	Email         userEmailCmd      `cmd:"" help:"Give an account an e-mail address, by which it can set a forgotten password."`
	Promote       userPromoteCmd    `cmd:"" help:"Make an account an administrator's."`
	Demote        userDemoteCmd     `cmd:"" help:"Undo promote."`
}

// withAccounts opens the accounts for one command.
func (c *cli) withAccounts(ctx context.Context, f func(*ident.Service) error) error {
	return with(ctx, c, app.Accounts, func(s *ident.Service, _ mx.ServerName) error { return f(s) })
}

// withUser is withAccounts for commands about one account.
func (c *cli) withUser(ctx context.Context, name string, f func(*ident.Service, mx.UserID) error) error {
	return c.withAccounts(ctx, func(s *ident.Service) error { return f(s, s.UserID(name)) })
}

type userAddCmd struct {
	Name          string `arg:"" help:"The local part of the user id, e.g. alice."`
	DisplayName   string `help:"The name that others see. Default: the local part."`
	Admin         bool   `help:"Make it an administrator's account."`
	PasswordStdin bool   `help:"Read the password from the first line of standard input."`
}

// Run makes an account.
func (u *userAddCmd) Run(ctx context.Context, c *cli) error {
	password := ""
	if u.PasswordStdin {
		var err error
		if password, err = passwordLine(); err != nil {
			return err
		}
	}
	return c.withAccounts(ctx, func(s *ident.Service) error {
		user, made, err := s.Add(ctx, commandLine(), ident.NewAccount{Name: u.Name, Password: password, Display: u.DisplayName, Admin: u.Admin})
		if err != nil {
			return err
		}
		fmt.Printf("User name: %s\n", user)
		if password == "" {
			fmt.Printf("Password:  %s   (shown this once)\n", made)
		}
		return nil
	})
}

type userListCmd struct{}

// Run lists accounts.
func (userListCmd) Run(ctx context.Context, c *cli) error {
	return c.withAccounts(ctx, func(s *ident.Service) error {
		w := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', 0)
		fmt.Fprintln(w, "USER\tCREATED\tSTATE")
		for after := mx.UserID(""); ; {
			list, err := s.Accounts(ctx, after, 500)
			if err != nil {
				return err
			}
			for i := range list {
				a := &list[i]
				fmt.Fprintf(w, "%s\t%s\t%s\n", a.User, time.UnixMilli(a.Created).Format(time.DateOnly), accountState(a))
				after = a.User
			}
			if len(list) < 500 {
				return w.Flush()
			}
		}
	})
}

func accountState(a *ident.Account) string {
	var words []string
	for _, s := range []struct {
		on   bool
		word string
	}{{a.Admin, "administrator"}, {a.Locked, "locked"}, {a.Suspended, "suspended"}, {a.Deactivated, "deactivated"}, {a.Erased, "erased"}} {
		if s.on {
			words = append(words, s.word)
		}
	}
	if words == nil {
		return "active"
	}
	return strings.Join(words, ", ")
}

type userEmailCmd struct {
	Name    string `arg:"" help:"User name or user id."`
	Address string `arg:"" help:"The address. You vouch for it: no message is sent."`
	Remove  bool   `help:"Take the address away instead."`
}

// Run gives an account an address.
func (u *userEmailCmd) Run(ctx context.Context, c *cli) error {
	return c.withUser(ctx, u.Name, func(s *ident.Service, user mx.UserID) error {
		if u.Remove {
			return s.DeleteContact(ctx, commandLine(), user, u.Address)
		}
		return s.SetContact(ctx, commandLine(), user, u.Address)
	})
}

type userResetCmd struct {
	Name string `arg:"" help:"User name or user id."`
}

// Run gives an account a new password.
func (u *userResetCmd) Run(ctx context.Context, c *cli) error {
	return c.withUser(ctx, u.Name, func(s *ident.Service, user mx.UserID) error {
		password, err := s.ResetPassword(ctx, commandLine(), user, "", true)
		if err != nil {
			return err
		}
		fmt.Printf("User name: %s\nPassword:  %s   (shown this once)\n", user, password)
		return nil
	})
}

type userDeactivateCmd struct {
	Name  string `arg:"" help:"User name or user id."`
	Erase bool   `help:"Also remove what the user stored, and hide the user's messages from who joins later."`
	Yes   bool   `help:"Do not ask."`
}

// Run ends an account.
func (u *userDeactivateCmd) Run(ctx context.Context, c *cli) error {
	if err := confirmName(u.Yes, u.Name, "deactivate"); err != nil {
		return err
	}
	return c.withUser(ctx, u.Name, func(s *ident.Service, user mx.UserID) error { return s.Deactivate(ctx, commandLine(), user, u.Erase) })
}

// confirmName has the name typed again before something that cannot be undone.
func confirmName(yes bool, name, verb string) error {
	if yes {
		return nil
	}
	if !term.IsTerminal(int(os.Stdin.Fd())) {
		return errors.New("this cannot be undone: say --yes")
	}
	fmt.Printf("This cannot be undone. Type the name again to %s %s: ", verb, name)
	line, err := bufio.NewReader(os.Stdin).ReadString('\n')
	if strings.TrimSpace(line) != name {
		return errors.Join(errors.New("the names differ; nothing was done"), err)
	}
	return nil
}

// named is the argument of commands about one account.
type named struct {
	Name string `arg:"" help:"User name or user id."`
}

func (n *named) moderate(ctx context.Context, c *cli, lock, suspend *bool) error {
	return c.withUser(ctx, n.Name, func(s *ident.Service, user mx.UserID) error {
		return s.Moderate(ctx, commandLine(), user, lock, suspend)
	})
}

func (n *named) setAdmin(ctx context.Context, c *cli, admin bool) error {
	return c.withUser(ctx, n.Name, func(s *ident.Service, user mx.UserID) error { return s.SetAdmin(ctx, commandLine(), user, admin) })
}

type (
	userLockCmd      struct{ named }
	userUnlockCmd    struct{ named }
	userSuspendCmd   struct{ named }
	userUnsuspendCmd struct{ named }
	userPromoteCmd   struct{ named }
	userDemoteCmd    struct{ named }
)

// Run locks an account.
func (u *userLockCmd) Run(ctx context.Context, c *cli) error {
	return u.moderate(ctx, c, new(true), nil)
}

// Run unlocks an account.
func (u *userUnlockCmd) Run(ctx context.Context, c *cli) error {
	return u.moderate(ctx, c, new(false), nil)
}

// Run suspends an account.
func (u *userSuspendCmd) Run(ctx context.Context, c *cli) error {
	return u.moderate(ctx, c, nil, new(true))
}

// Run ends a suspension.
func (u *userUnsuspendCmd) Run(ctx context.Context, c *cli) error {
	return u.moderate(ctx, c, nil, new(false))
}

// Run makes an administrator.
func (u *userPromoteCmd) Run(ctx context.Context, c *cli) error { return u.setAdmin(ctx, c, true) }

// Run makes an administrator an ordinary user.
func (u *userDemoteCmd) Run(ctx context.Context, c *cli) error { return u.setAdmin(ctx, c, false) }
