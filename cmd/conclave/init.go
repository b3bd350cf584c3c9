package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"golang.org/x/term"

	"conclave.chat/internal/config"
	"conclave.chat/internal/keyring"
)

type initCmd struct {
	ServerName string `help:"The name behind the colon in user ids, e.g. example.org. It cannot change later." required:""`
	DataDir    string `help:"Folder for the database, media and keys." default:"data" type:"path"`
	Listen     string `help:"Address and port to listen on." default:"127.0.0.1:8008"`
	PublicURL  string `help:"The address that clients use. Default: https:// and the server name." name:"public-url"`
	Passphrase bool   `help:"Protect the master key with a passphrase, asked for at each start."`
	IfMissing  bool   `help:"Do nothing if the configuration exists already."`
}

// Run writes conclave.yaml and the master key.
func (i *initCmd) Run(c *cli) error {
	path := c.Config
	if path == "" {
		path = filepath.Join(i.DataDir, "conclave.yaml")
	}
	if _, err := os.Stat(path); err == nil {
		if i.IfMissing {
			return nil
		}
		return fmt.Errorf("%s exists already", path)
	}
	if err := os.MkdirAll(i.DataDir, 0o700); err != nil {
		return err
	}
	text := fmt.Sprintf("# Conclave. All settings: docs/ops/configuration.md\nserver_name: %q\nlisten: %q\ndata_dir: %q\n", i.ServerName, i.Listen, i.DataDir)
	if i.PublicURL != "" {
		text += fmt.Sprintf("public_url: %q\n", i.PublicURL)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		return err
	}
	cfg, err := config.Load(path, os.Environ())
	if err != nil {
		return errors.Join(err, os.Remove(path))
	}
	if os.Getenv(keyring.EnvKey) == "" {
		if err := i.createKey(cfg.MasterKey); err != nil {
			return errors.Join(err, os.Remove(path))
		}
		fmt.Printf("Master key:    %s\n               Back it up somewhere else: without it nothing in the data folder can be read.\n", cfg.MasterKey)
	}
	fmt.Printf("Configuration: %s\nStart:         conclave serve --config %s\n", path, path)
	return nil
}

// createKey makes the master key, unless there is one from before.
func (i *initCmd) createKey(path string) error {
	if _, err := os.Stat(path); err == nil {
		return nil
	}
	pass := ""
	if i.Passphrase {
		var err error
		if pass, err = newPassphrase(); err != nil {
			return err
		}
	}
	_, err := keyring.Create(path, pass)
	return err
}

func newPassphrase() (string, error) {
	if !term.IsTerminal(int(os.Stdin.Fd())) {
		return "", errTerminal
	}
	return askNewPassphrase("New passphrase for the master key: ")
}
