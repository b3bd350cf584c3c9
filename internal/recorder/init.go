//go:build goolm

package recorder

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"github.com/goccy/go-yaml"
	"github.com/rs/zerolog"
	"maunium.net/go/mautrix"
	"maunium.net/go/mautrix/crypto"
	"maunium.net/go/mautrix/id"

	"conclave.chat/internal/archive/depot"
	"conclave.chat/internal/mx"
)

// Setup is what a new recorder begins with.
type Setup struct {
	Config   Config
	User     string // id or local part
	Password string
	Path     string // of the configuration file
	// PolicyKey is a file with the key that signs events, as another recorder of this homeserver shares it. Empty: one is made.
	PolicyKey string
}

// Fragment is what the homeserver's configuration needs.
type Fragment struct {
	URL, User, PublicKey, LogKey, RecoveryKey string
}

// Init signs the recorder in as a new device, makes its keys and cross-signs it, and writes its configuration.
func Init(ctx context.Context, s Setup) (*Fragment, error) {
	c := &s.Config
	for _, path := range []string{s.Path, filepath.Join(c.DataDir, secretsFile)} {
		if _, err := os.Stat(path); err == nil {
			return nil, fmt.Errorf("recorder: %s exists already", path)
		}
	}
	if err := c.check(); err != nil {
		return nil, fmt.Errorf("recorder: %w", err)
	}
	url, err := c.url()
	if err != nil {
		return nil, err
	}
	if _, _, _, err := c.archiveKeys(); err != nil {
		return nil, err
	}
	if err := askServer(ctx, c); err != nil {
		return nil, err
	}
	sec := &secrets{Database: make([]byte, 32), Pickle: make([]byte, 32), Policy: make([]byte, ed25519.SeedSize)}
	for _, b := range [][]byte{sec.Database, sec.Pickle, sec.Policy} {
		_, _ = rand.Read(b)
	}
	if s.PolicyKey != "" {
		var err error
		if sec.Policy, err = readPolicyKey(s.PolicyKey); err != nil {
			return nil, err
		}
	}
	client, err := newClient(c, sec)
	if err != nil {
		return nil, err
	}
	client.Log = zerolog.Nop()
	res, err := client.Login(ctx, &mautrix.ReqLogin{
		Type: mautrix.AuthTypePassword, Password: s.Password, StoreCredentials: true, InitialDeviceDisplayName: "Recorder",
		Identifier: mautrix.UserIdentifier{Type: mautrix.IdentifierTypeUser, User: s.User},
	})
	if err != nil {
		return nil, fmt.Errorf("recorder: sign in: %w", err)
	}
	sec.User, sec.Device, sec.Token = res.UserID.String(), res.DeviceID.String(), res.AccessToken
	if err := depot.MakeDir(c.DataDir); err != nil {
		return nil, err
	}
	recovery, err := crossSign(ctx, c, sec, client, s.Password)
	if err != nil {
		return nil, err
	}
	text, err := json.Marshal(sec) //nolint:gosec // into a file that only the recorder reads
	if err != nil {
		return nil, err
	}
	config, err := yaml.Marshal(c)
	if err != nil {
		return nil, err
	}
	if err := depot.Replace(c.DataDir, secretsFile, text); err != nil {
		return nil, err
	}
	if err := depot.Replace(filepath.Dir(s.Path), filepath.Base(s.Path), append([]byte("# The recorder. It is no part of the homeserver's configuration.\n"), config...)); err != nil {
		return nil, err
	}
	public, err := os.ReadFile(filepath.Join(filepath.Dir(c.LogKey), "log.public"))
	if err != nil {
		return nil, err
	}
	key := ed25519.NewKeyFromSeed(sec.Policy).Public().(ed25519.PublicKey) //nolint:forcetypeassert // documented type
	return &Fragment{
		URL: url, User: id.UserID(sec.User).Localpart(), PublicKey: mx.EncodeBase64(key), LogKey: string(public), RecoveryKey: recovery,
	}, nil
}

// crossSign uploads the device's keys, and an identity that vouches for the device.
func crossSign(ctx context.Context, c *Config, sec *secrets, client *mautrix.Client, password string) (recovery string, err error) {
	keys, err := openKeys(ctx, c, sec)
	if err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, keys.DB.Close()) }()
	nop := zerolog.Nop()
	m := crypto.NewOlmMachine(client, &nop, keys, noState{})
	defer m.Destroy()
	if err := m.Load(ctx); err != nil {
		return "", fmt.Errorf("recorder: %w", err)
	}
	if err := m.ShareKeys(ctx, 0); err != nil {
		return "", fmt.Errorf("recorder: upload keys: %w", err)
	}
	if recovery, _, err = m.GenerateAndUploadCrossSigningKeysWithPassword(ctx, password, ""); err != nil {
		return "", fmt.Errorf("recorder: identity: %w", err)
	}
	if err := m.SignOwnDevice(ctx, m.OwnIdentity()); err != nil {
		return "", fmt.Errorf("recorder: identity: %w", err)
	}
	return recovery, m.SignOwnMasterKey(ctx)
}

// askServer learns the homeserver's public keys, which the configuration holds from then on.
func askServer(ctx context.Context, c *Config) error {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, c.Homeserver+"/_conclave/recording/v1/keys", nil)
	if err != nil {
		return fmt.Errorf("recorder: %w", err)
	}
	t, err := c.transport()
	if err != nil {
		return fmt.Errorf("recorder: %w", err)
	}
	defer t.CloseIdleConnections()
	res, err := (&http.Client{Transport: t}).Do(req)
	if err != nil {
		return fmt.Errorf("recorder: the homeserver's keys: %w", err)
	}
	defer res.Body.Close()
	var keys struct {
		Server  string `json:"server_name"`
		KeyID   string `json:"key_id"`
		Key     string `json:"key"`
		Witness string `json:"witness"`
	}
	if err := json.NewDecoder(res.Body).Decode(&keys); err != nil || res.StatusCode != http.StatusOK {
		return fmt.Errorf("recorder: the homeserver's keys: %s", res.Status)
	}
	c.Server = Server{Name: keys.Server, KeyID: keys.KeyID, Key: keys.Key, Witness: keys.Witness}
	_, err = c.serverKey()
	return err
}
