package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"conclave.chat/internal/app"
	"conclave.chat/internal/mx"
	"conclave.chat/internal/subject"
)

// withSubject opens the installation for a command about the data of one person.
func (c *cli) withSubject(ctx context.Context, name string, f func(s *subject.Service, remove func(context.Context) error, user mx.UserID) error) error {
	cfg, keys, err := c.load()
	if err != nil {
		return err
	}
	s, remove, closeStore, err := app.Subject(ctx, cfg, keys, cfg.Log.Logger(os.Stderr))
	if err != nil {
		return err
	}
	return errors.Join(f(s, remove, userID(name, mx.ServerName(cfg.ServerName))), closeStore())
}

type userExportCmd struct {
	Name string `arg:"" help:"User name or user id."`
	Out  string `required:"" help:"The archive to make. It must not be there yet." type:"path" placeholder:"FILE.zip"`
}

// Run writes a copy of all that the server has of a person.
func (u *userExportCmd) Run(ctx context.Context, c *cli) error {
	return c.withSubject(ctx, u.Name, func(s *subject.Service, _ func(context.Context) error, user mx.UserID) (err error) {
		write, err := s.Export(ctx, commandLine(), user)
		if err != nil {
			return err
		}
		f, err := os.OpenFile(filepath.Clean(u.Out), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
		if err != nil {
			return err
		}
		err = errors.Join(write(ctx, f), f.Sync(), f.Close())
		if err != nil { // half an archive would look like a whole one
			return errors.Join(err, os.Remove(u.Out))
		}
		fmt.Printf("%s has all that this server keeps of %s; README.txt in it says what is where.\n", u.Out, user)
		return nil
	})
}

type userEraseCmd struct {
	Name string `arg:"" help:"User name or user id."`
	Yes  bool   `help:"Do not ask."`
}

// Run erases a person.
func (u *userEraseCmd) Run(ctx context.Context, c *cli) error {
	if err := confirmName(u.Yes, u.Name, "erase"); err != nil {
		return err
	}
	return c.withSubject(ctx, u.Name, func(s *subject.Service, remove func(context.Context) error, user mx.UserID) error {
		report, err := s.Erase(ctx, commandLine(), user)
		if err != nil {
			return err
		}
		fmt.Printf("%s is erased: the account has ended, what it stored is removed, and %d messages in %d rooms go, with the files that they show.\n",
			user, report.Messages, report.Rooms)
		for _, stay := range report.Stays {
			printStay(stay)
		}
		return remove(ctx)
	})
}

func printStay(s subject.Stay) {
	switch s.Why {
	case subject.WhyHold:
		fmt.Printf("Stays: %d messages in %d rooms that a legal hold covers. They go when it is released.\n", s.Messages, s.Rooms)
		if s.Account {
			fmt.Println("Stays: what the account stored, as a legal hold names the person. It goes when that is released.")
		}
	case subject.WhyState:
		fmt.Printf("Stays: %d events in %d rooms without which those would not be what they are: who joined, what they are called.\n", s.Messages, s.Rooms)
	case subject.WhyArchive:
		fmt.Printf("Stays: copies of up to %d events of %d rooms in the sealed archive, for as long as their retention class or a hold says.\n", s.Messages, s.Rooms)
	}
}
