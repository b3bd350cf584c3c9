package config

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestEveryKeyHasDocumentationAndItsOwnVariable(t *testing.T) {
	c := Default()
	seen := map[string]string{}
	for _, k := range Keys(&c) {
		if k.Doc == "" {
			t.Errorf("%s has no documentation", k.Path)
		}
		if other := seen[k.Env]; other != "" {
			t.Errorf("%s and %s share %s", k.Path, other, k.Env)
		}
		seen[k.Env] = k.Path
	}
}

func TestEnvironmentWinsOverFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "c.yaml")
	if err := os.WriteFile(path, []byte("server_name: a.example\nlisten: 127.0.0.1:1\nrate_limits:\n  message: {per_second: 3, burst: 4}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	c, err := Load(path, []string{
		"CONCLAVE_SERVER_NAME=b.example", "CONCLAVE_TLS_ACME_DOMAINS=x.example, y.example",
		"CONCLAVE_RATE_LIMITS_MESSAGE_BURST=9", "CONCLAVE_LOG_LEVEL=debug",
	})
	if err != nil {
		t.Fatal(err)
	}
	if c.ServerName != "b.example" || c.Listen != "127.0.0.1:1" || c.RateLimits.Message.PerSecond != 3 || c.RateLimits.Message.Burst != 9 ||
		len(c.TLS.ACMEDomains) != 2 || c.TLS.ACMEDomains[1] != "y.example" {
		t.Errorf("%+v", c)
	}
}

func TestMistakesAreNamed(t *testing.T) {
	for text, want := range map[string]string{
		"server_name: a.example\nlisten_on: x\n":       "listen_on",
		"server_name: 'a b'\n":                         "server_name",
		"server_name: a.example\nlisten: nowhere\n":    "listen",
		"server_name: a.example\nlog: {level: loud}\n": "log.level",
		"server_name: a.example\ntls: {key: x}\n":      "tls",
	} {
		path := filepath.Join(t.TempDir(), "c.yaml")
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := Load(path, nil); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v", text, err)
		}
	}
	if _, err := Load("", []string{"CONCLAVE_SERVER_NAME=a.example", "CONCLAVE_DATABASE_READERS=many"}); err == nil ||
		!strings.Contains(err.Error(), "CONCLAVE_DATABASE_READERS") {
		t.Errorf("bad environment: %v", err)
	}
}
