// Package recorder is the member who records: it reads what is said in recorded rooms, seals it into the archive, and then signs it.
//
// It runs in a process of its own, better on a machine of its own, with its own keys, and reaches the homeserver as any Matrix client does. The
// homeserver asks it, as a policy server (Matrix 1.18), for a signature before it accepts an event. Check does what may take time, outside of the
// room's order: it waits for a room key that is under way, and fetches and seals attachments. Sign then appends the record, and signs when that is
// durable. So what has a signature is in the archive; what is in the archive may have been given up afterwards by the homeserver, whose
// statement names what was accepted.
//
// Room keys and the device's keys are in an encrypted SQLite file. What comes with one answer of /sync is written in one transaction with the
// token for the next, so that no key is lost when the process is killed. Plaintext is in memory only, for a minute at most.
//
// It refuses what it cannot decrypt, what was encrypted by a device that is not the sender's, and attachments that are not what their event says.
// The package is built with the tag goolm, mautrix-go's Olm in Go.
package recorder

import (
	"crypto/ed25519"
	"crypto/tls"
	"encoding/base64"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"time"

	"filippo.io/age"
	"github.com/go-json-experiment/json"
	"github.com/goccy/go-yaml"
	"golang.org/x/mod/sumdb/note"

	"conclave.chat/internal/archive/depot"
	"conclave.chat/internal/archive/merkle"
	"conclave.chat/internal/archive/witness"
	"conclave.chat/internal/blob"
	"conclave.chat/internal/link"
	"conclave.chat/internal/mx"
)

// Config is the recorder's configuration file.
type Config struct {
	Homeserver  string            `yaml:"homeserver"`        // address; without TLS only on this machine
	CA          string            `yaml:"ca_file,omitempty"` // PEM file with the authority of the homeserver's certificate; without it those of the system
	Listen      string            `yaml:"listen"`
	Certificate string            `yaml:"certificate,omitempty"` // PEM files; without them plain HTTP, for one machine or a proxy
	Key         string            `yaml:"key,omitempty"`
	DataDir     string            `yaml:"data_dir"` // the device's keys
	Archive     string            `yaml:"archive"`  // folder
	Class       string            `yaml:"class"`    // retention class of what no rule gives another
	Recipients  []string          `yaml:"recipients"`
	LogKey      string            `yaml:"log_key_file"`
	Server      Server            `yaml:"server"`
	Wait        time.Duration     `yaml:"wait"` // how long to wait for a room key
	MaxFile     int64             `yaml:"max_attachment"`
	Bucket      *blob.S3          `yaml:"bucket,omitempty"`      // where closed segments and tiles are copied to
	Witnesses   []witness.Address `yaml:"witnesses,omitempty"`   // who sign the archive's checkpoints besides the homeserver
	RetainDays  int64             `yaml:"retain_days,omitempty"` // Object Lock in the bucket; 0 is none
	Retention   Retention         `yaml:"retention,omitempty"`
	Receipts    bool              `yaml:"receipts,omitempty"` // who has read what, in rooms whose policy says that this is recorded
	LogLevel    string            `yaml:"log_level"`
}

// Server is what the recorder knows of the homeserver.
type Server struct {
	Name    string `yaml:"name"`
	KeyID   string `yaml:"key_id"`
	Key     string `yaml:"key"`
	Witness string `yaml:"witness"` // its key as a witness of the archive's log
}

// openWitnesses are the homeserver, reached by a client, and those that the configuration names.
func (c *Config) openWitnesses(client *http.Client, log string) (*witness.Set, error) {
	server := witness.Address{Key: c.Server.Witness, URL: c.Homeserver + "/_conclave/recording/v1"}
	return witness.Open(c.DataDir, log, server, client, c.Witnesses)
}

// secrets are in one file of the data folder that only the recorder reads.
type secrets struct {
	User     string `json:"user_id"`
	Device   string `json:"device_id"`
	Token    string `json:"access_token"`
	Database []byte `json:"database_key"`
	Pickle   []byte `json:"pickle_key"`
	Policy   []byte `json:"policy_seed"`
}

const (
	secretsFile  = "recorder.secrets"
	databaseFile = "recorder.db"
)

// Load reads a configuration file.
func Load(path string) (*Config, error) {
	data, err := os.ReadFile(filepath.Clean(path))
	if err != nil {
		return nil, fmt.Errorf("recorder: %w", err)
	}
	c := &Config{Wait: 15 * time.Second, MaxFile: 1 << 30, Class: "standard", LogLevel: "info"}
	if err := yaml.UnmarshalWithOptions(data, c, yaml.Strict()); err != nil {
		return nil, fmt.Errorf("recorder: %s: %s", path, yaml.FormatError(err, false, true))
	}
	if c.Homeserver == "" || c.Listen == "" || c.DataDir == "" || c.Archive == "" || len(c.Recipients) == 0 || c.LogKey == "" {
		return nil, fmt.Errorf("recorder: %s: homeserver, listen, data_dir, archive, recipients and log_key_file are needed: conclave recorder init writes them", path)
	}
	if err := c.check(); err != nil {
		return nil, fmt.Errorf("recorder: %s: %w", path, err)
	}
	if err := c.Retention.load(c); err != nil {
		return nil, fmt.Errorf("recorder: %s: %w", path, err)
	}
	return c, nil
}

// check refuses addresses and certificates that cannot work.
func (c *Config) check() error {
	if _, err := c.transport(); err != nil {
		return fmt.Errorf("homeserver: %w", err)
	}
	for _, w := range c.Witnesses {
		if err := w.Check(); err != nil {
			return fmt.Errorf("witnesses: %w", err)
		}
	}
	if (c.Certificate == "") != (c.Key == "") {
		return errors.New("certificate and key go together")
	}
	return nil
}

// transport reaches the homeserver, or what stands before it.
func (c *Config) transport() (*http.Transport, error) {
	t, err := link.Transport(c.Homeserver, c.CA, tls.VersionTLS12)
	if err != nil {
		return nil, err
	}
	t.Proxy, t.ForceAttemptHTTP2 = http.ProxyFromEnvironment, true
	return t, nil
}

// url is where the homeserver reaches the recorder, as far as the recorder knows.
func (c *Config) url() (string, error) {
	host, port, err := net.SplitHostPort(c.Listen)
	if err != nil {
		return "", fmt.Errorf("recorder: listen: %w", err)
	}
	everywhere := host == ""
	if ip, err := netip.ParseAddr(host); err == nil {
		everywhere = ip.IsUnspecified()
	}
	if c.Certificate == "" {
		if everywhere {
			host = "127.0.0.1"
		}
		return "http://" + net.JoinHostPort(host, port), nil
	}
	pair, err := link.Load(c.Certificate, c.Key)
	if err != nil {
		return "", fmt.Errorf("recorder: %w", err)
	}
	if name := pair.Host(); everywhere && name != "" {
		host = name
	}
	return "https://" + net.JoinHostPort(host, port), nil
}

func (c *Config) secrets() (*secrets, error) {
	data, err := os.ReadFile(filepath.Join(c.DataDir, secretsFile))
	if err != nil {
		return nil, fmt.Errorf("recorder: %w", err)
	}
	s := &secrets{}
	if err := json.Unmarshal(data, s); err != nil {
		return nil, fmt.Errorf("recorder: %s: %w", secretsFile, err)
	}
	if len(s.Database) != 32 || len(s.Policy) != ed25519.SeedSize {
		return nil, fmt.Errorf("recorder: %s is damaged", secretsFile)
	}
	return s, nil
}

// SharePolicyKey writes the key that signs events into a new file.
func (c *Config) SharePolicyKey(path string) error {
	sec, err := c.secrets()
	if err != nil {
		return err
	}
	return depot.Replace(filepath.Dir(path), filepath.Base(path), []byte(policyKeyTitle+base64.StdEncoding.EncodeToString(sec.Policy)+"\n"))
}

const policyKeyTitle = "conclave policy key v1 "

func readPolicyKey(path string) ([]byte, error) {
	text, err := os.ReadFile(filepath.Clean(path))
	if err != nil {
		return nil, fmt.Errorf("recorder: %w", err)
	}
	encoded, ok := strings.CutPrefix(strings.TrimSpace(string(text)), policyKeyTitle)
	seed, err := base64.StdEncoding.DecodeString(encoded)
	if err != nil || !ok || len(seed) != ed25519.SeedSize {
		return nil, fmt.Errorf("recorder: %s holds no key: conclave recorder share writes it", path)
	}
	return seed, nil
}

// archiveKeys reads to whom the archive is sealed, and what signs its log.
func (c *Config) archiveKeys() (to []age.Recipient, signer note.Signer, verifier note.Verifier, err error) {
	for _, text := range c.Recipients {
		list, err := age.ParseRecipients(strings.NewReader(text))
		if err != nil {
			return nil, nil, nil, fmt.Errorf("recorder: recipients: %w", err)
		}
		to = append(to, list...)
	}
	key, err := os.ReadFile(filepath.Clean(c.LogKey))
	if err != nil {
		return nil, nil, nil, fmt.Errorf("recorder: %w", err)
	}
	skey := strings.TrimSpace(string(key))
	if signer, err = note.NewSigner(skey); err != nil {
		return nil, nil, nil, fmt.Errorf("recorder: %s: %w", c.LogKey, err)
	}
	public, err := os.ReadFile(filepath.Join(filepath.Dir(c.LogKey), "log.public"))
	if err != nil {
		return nil, nil, nil, fmt.Errorf("recorder: %w", err)
	}
	verifier, err = merkle.ParseVerifier(string(public))
	if err == nil && (verifier.Name() != signer.Name() || verifier.KeyHash() != signer.KeyHash()) {
		err = errors.New("recorder: log.public does not belong to the log's key")
	}
	return to, signer, verifier, err
}

// serverKey is the homeserver's key for events and requests.
func (c *Config) serverKey() (ed25519.PublicKey, error) {
	key, err := mx.DecodeBase64(c.Server.Key)
	if err != nil || len(key) != ed25519.PublicKeySize {
		return nil, errors.New("recorder: server.key is no key")
	}
	return key, nil
}
