// Package config reads the one configuration file into one small struct for each package.
//
// Values come, in this order, from Default, the YAML file and the environment. Each key has an environment variable: CONCLAVE_ and
// the key's path in capitals, joined by underscores. It refuses unknown keys and values that cannot work, naming the key.
package config

import (
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"

	"github.com/goccy/go-yaml"

	"conclave.chat/internal/directory"
	"conclave.chat/internal/door/client"
	"conclave.chat/internal/e2ee"
	"conclave.chat/internal/gate"
	"conclave.chat/internal/ident"
	"conclave.chat/internal/mail"
	"conclave.chat/internal/media"
	"conclave.chat/internal/mx"
	"conclave.chat/internal/push"
	"conclave.chat/internal/recording"
	"conclave.chat/internal/room"
)

// Config is everything that can be set.
type Config struct {
	ServerName   string       `yaml:"server_name" doc:"The name behind the colon in user ids, e.g. example.org. It cannot change later."`
	Organisation string       `yaml:"organisation" doc:"The organisation's name, shown to people. Default: the server name."`
	PublicURL    string       `yaml:"public_url" doc:"The address that clients reach this server under, e.g. https://chat.example.org. Default: https:// and the server name."`
	Listen       string       `yaml:"listen" doc:"Address and port to listen on; exactly this one is bound."`
	DataDir      string       `yaml:"data_dir" doc:"Folder for the database, media and, unless set elsewhere, the master key."`
	MasterKey    string       `yaml:"master_key_file" doc:"File with the master key. Default: master.key in the data folder. CONCLAVE_MASTER_KEY may hold the key itself (base64) instead."`
	Database     Database     `yaml:"database"`
	NATS         NATS         `yaml:"nats"`
	TLS          TLS          `yaml:"tls"`
	Log          Log          `yaml:"log"`
	Metrics      Metrics      `yaml:"metrics"`
	RateLimits   gate.Limits  `yaml:"rate_limits"`
	Accounts     ident.Config `yaml:"accounts"`
	Rooms        room.Config  `yaml:"rooms"`
	Retention    Retention    `yaml:"retention"`

	Recording recording.Config `yaml:"recording"`

	Push       push.Config  `yaml:"push"`
	Media      media.Config `yaml:"media"`
	Encryption e2ee.Config  `yaml:"encryption"`
	Presence   bool         `yaml:"presence" doc:"Tell people who share a room whether the others are online. It costs work for each who comes and goes."`

	Directory directory.Config `yaml:"directory"`

	TURN    client.TURN    `yaml:"turn"`
	Calls   client.Calls   `yaml:"calls"`
	Support client.Support `yaml:"support"`

	SMTP mail.Config `yaml:"smtp"`

	sources map[string]string // by path
}

// Retention says how long messages are kept, where administrators set nothing else.
type Retention struct {
	Days    int64 `yaml:"days" doc:"Messages are removed after so many days in rooms that say nothing else, and with them the files that they showed. It cannot be undone. 0 keeps them."`
	MinDays int64 `yaml:"min_days" doc:"The fewest days that a room may choose. 0 is no bound."`
	MaxDays int64 `yaml:"max_days" doc:"The most days that a room may choose. 0 is no bound."`
}

// Database says where events are kept.
type Database struct {
	Postgres string `yaml:"postgres" doc:"Connection string of a PostgreSQL database (postgres://user:password@host/name). Empty: an encrypted SQLite file in the data folder." secret:"yes"`
	Readers  int    `yaml:"readers" doc:"Connections for reads; 0 chooses."`
}

// NATS says how several nodes hear of each other.
type NATS struct {
	URL string `yaml:"url" doc:"NATS servers that connect several nodes on one PostgreSQL database, e.g. nats://user:password@10.0.0.5:4222. Empty: a single node." secret:"yes"`
}

// TLS says how the listener is protected.
type TLS struct {
	Certificate string   `yaml:"certificate" doc:"PEM file with the certificate chain. Empty: plain HTTP, for use behind a reverse proxy."`
	Key         string   `yaml:"key" doc:"PEM file with the certificate's private key."`
	ACMEDomains []string `yaml:"acme_domains" doc:"Get certificates for these names by ACME (TLS-ALPN-01: the listener must be reachable on port 443)."`
	ACMEEmail   string   `yaml:"acme_email" doc:"Contact address for the certificate authority."`
	ACMEURL     string   `yaml:"acme_directory" doc:"Directory URL of the certificate authority. Empty: Let's Encrypt."`
}

// Log says what is logged.
type Log struct {
	Level  string `yaml:"level" doc:"debug, info, warn or error. Requests are logged at debug."`
	Format string `yaml:"format" doc:"text or json."`
}

// Metrics says where Prometheus may fetch metrics.
type Metrics struct {
	Listen string `yaml:"listen" doc:"Address and port for Prometheus metrics at /metrics, and Go profiles at /debug/pprof/. Empty: none. Do not expose it."`
}

// Default is the configuration without a file.
func Default() Config {
	return Config{
		Listen: "127.0.0.1:8008", DataDir: "data",
		Log: Log{Level: "info", Format: "text"}, RateLimits: gate.DefaultLimits(),
		Accounts: ident.DefaultConfig(), Rooms: room.DefaultConfig(), Media: media.DefaultConfig(), Encryption: e2ee.DefaultConfig(), TURN: client.DefaultTURN(), SMTP: mail.DefaultConfig(),
		Recording: recording.DefaultConfig(),
	}
}

// Load reads a file (or none, if path is "") and the environment.
func Load(path string, environ []string) (*Config, error) {
	c := Default()
	c.sources = map[string]string{}
	if path != "" {
		data, err := os.ReadFile(filepath.Clean(path))
		if err != nil {
			return nil, fmt.Errorf("config: %w", err)
		}
		if err := parse(data, &c); err != nil {
			return nil, fmt.Errorf("config: %s: %w", path, err)
		}
		c.inFile(data)
	}
	if err := overlay(&c, environ); err != nil {
		return nil, fmt.Errorf("config: %w", err)
	}
	c.complete()
	if err := c.check(); err != nil {
		return nil, fmt.Errorf("config: %w", err)
	}
	return &c, nil
}

func parse(data []byte, c *Config) error {
	if len(strings.TrimSpace(string(data))) == 0 {
		return nil
	}
	if err := yaml.UnmarshalWithOptions(data, c, yaml.Strict()); err != nil {
		return errors.New(yaml.FormatError(err, false, true))
	}
	return nil
}

// complete fills in what follows from other keys.
func (c *Config) complete() {
	if c.MasterKey == "" {
		c.MasterKey = filepath.Join(c.DataDir, "master.key")
	}
	if c.Media.Store.Dir == "" {
		c.Media.Store.Dir = c.Path("media")
	}
	if c.Organisation == "" {
		c.Organisation = c.ServerName
	}
	if c.PublicURL == "" && c.ServerName != "" {
		c.PublicURL = "https://" + c.ServerName
	}
	c.PublicURL = strings.TrimSuffix(c.PublicURL, "/")
}

func (c *Config) check() error {
	if c.ServerName == "" {
		return errors.New("server_name is not set; name the configuration file with --config or CONCLAVE_CONFIG, or make one with conclave init")
	}
	if _, err := mx.ParseServerName(c.ServerName); err != nil {
		return fmt.Errorf("server_name: %q is not a server name, such as example.org", c.ServerName)
	}
	if _, _, err := net.SplitHostPort(c.Listen); err != nil {
		return fmt.Errorf("listen: %q is not address:port", c.Listen)
	}
	if c.NATS.URL != "" && c.Database.Postgres == "" {
		return errors.New("nats.url: several nodes need a shared database: set database.postgres")
	}
	if err := c.Encryption.Check(); err != nil {
		return err
	}
	if err := c.Media.Check(); err != nil {
		return err
	}
	if err := c.SMTP.Check(); err != nil {
		return err
	}
	if (c.TLS.Certificate == "") != (c.TLS.Key == "") {
		return errors.New("tls: certificate and key go together")
	}
	if c.TLS.Certificate != "" && len(c.TLS.ACMEDomains) > 0 {
		return errors.New("tls: either certificate files or acme_domains, not both")
	}
	if _, err := c.Log.level(); err != nil {
		return err
	}
	if c.Log.Format != "text" && c.Log.Format != "json" {
		return fmt.Errorf("log.format: %q is neither text nor json", c.Log.Format)
	}
	return nil
}

// Path is a file or folder inside the data folder.
func (c *Config) Path(name string) string { return filepath.Join(c.DataDir, name) }
