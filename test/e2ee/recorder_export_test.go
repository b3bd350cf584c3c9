//go:build goolm

package e2ee

import (
	"bytes"
	"encoding/csv"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"conclave.chat/test/harness"
)

// export has a case exported, and verified with public keys alone.
func (o *office) export(name, format string) string {
	o.Helper()
	out := filepath.Join(o.TempDir(), "export")
	args := []string{"archive", "export", filepath.Join(o.dir, name), "--format", format, "--zone", "Europe/Berlin", "--out", out}
	// At first there is room for 4 KB only.
	full := exec.Command("sh", append([]string{"-c", `ulimit -f 8; exec "$@"`, "sh", harness.Program(o), "--config", harness.ConfigFile()}, args...)...)
	full.Dir, full.Env, full.Stdin = o.s.Dir, o.s.Environ(), strings.NewReader(casePassphrase+"\n")
	if said, err := full.CombinedOutput(); err == nil {
		o.Fatalf("an export of 4 KB: %s", said)
	}
	if said, err := o.verifyExport(out + ".part"); err == nil || !strings.Contains(said, "is an export that is not finished") {
		o.Errorf("an unfinished export: %v %s", err, said)
	}
	if said := o.run(casePassphrase+"\n", args...); !strings.Contains(said, "Going on with what is in "+out+".part") {
		o.Errorf("it does not go on: %s", said)
	}
	if said, err := o.verifyExport(out); err != nil || !strings.Contains(said, "The export is right") {
		o.Fatalf("the export: %v %s", err, said)
	}
	return out
}

func (o *office) verifyExport(dir string) (string, error) {
	return o.try("", "archive", "verify", dir, "--key", filepath.Join(o.dir, "officers", "log.public"), "--access-key", filepath.Join(o.dir, "officers", "access.public"))
}

// comesOut checks that a conversation comes out of a case as its members saw it, with what became of it since.
func comesOut(t *testing.T, o *office, name string, hello, answer, doc string, data []byte) {
	t.Helper()
	dir := o.export(name, "csv")
	f, err := os.Open(filepath.Join(dir, "messages.csv"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	rows, err := csv.NewReader(f).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	cells := map[string]map[string]string{}
	for _, row := range rows[1:] {
		cell := map[string]string{}
		for i, text := range row {
			cell[rows[0][i]] = text
		}
		cells[cell["event_id"]] = cell
	}
	for _, want := range []struct{ event, column, part string }{
		{hello, "text", "buy at 42"},
		{hello, "first_text", "buy at 41"},
		{hello, "edits", "buy at 42"},
		{hello, "deleted", "by alice (@alice:"},
		{hello, "room", "Desk"},
		{answer, "text", "done"},
		{answer, "deleted", ""},
		{doc, "attachments", "prospectus.pdf"},
	} {
		got := cells[want.event][want.column]
		if want.part == "" && got != "" || !strings.Contains(got, want.part) {
			t.Errorf("%s of %s is %q, without %q", want.column, want.event, got, want.part)
		}
	}
	file := cells[doc]["attachment_files"]
	if got, err := os.ReadFile(filepath.Join(dir, file)); err != nil || !bytes.Equal(got, data) {
		t.Errorf("the attachment %s: %v", file, err)
	}
	data[7] ^= 1
	if err := os.WriteFile(filepath.Join(dir, file), data, 0o600); err != nil {
		t.Fatal(err)
	}
	if said, err := o.verifyExport(dir); err == nil || !strings.Contains(said, "PROBLEM "+file+": it was altered") {
		t.Errorf("an altered attachment: %v %s", err, said)
	}
}
