package export_test

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json"
	"golang.org/x/mod/sumdb/note"

	"conclave.chat/internal/archive/access"
	"conclave.chat/internal/archive/depot"
	"conclave.chat/internal/archive/depot/depottest"
	"conclave.chat/internal/archive/export"
	"conclave.chat/internal/archive/export/exporttest"
	"conclave.chat/internal/archive/export/table"
	"conclave.chat/internal/archive/record"
	"conclave.chat/internal/archive/segment"
)

func verifyDir(t testing.TB, dir string, k export.Keys) *export.Report {
	t.Helper()
	d, err := depot.OpenDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	r, err := export.Verify(context.Background(), d, k)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestAnExportIsRight(t *testing.T) {
	c := exporttest.New(t)
	dir := c.Export(c.Options("jsonl", nil))
	r := verifyDir(t, dir, c.Keys())
	for _, p := range r.Problems {
		t.Error(p)
	}
	m := r.Manifest
	if m.Case != exporttest.Number || m.Zone != "Europe/Berlin" || m.Counts.Rooms != 2 || m.Counts.Gaps != 1 || r.Gaps != 1 || m.Counts.Records != r.Records || m.Counts.Attachments != 2 {
		t.Errorf("%+v", m)
	}
	if len(m.Missing) != 1 || m.Missing[0].Name != "lost.txt" || m.Missing[0].Reason != "its key was destroyed" {
		t.Errorf("missing: %+v", m.Missing)
	}
	// The lines are the records as they were sealed.
	lines, err := os.ReadFile(filepath.Join(dir, export.RecordsFile))
	if err != nil {
		t.Fatal(err)
	}
	if n := bytes.Count(lines, []byte("\n")); n != r.Records+r.Gaps {
		t.Errorf("%d lines, %d records", n, r.Records)
	}
	for line := range bytes.Lines(lines) {
		if _, rec, err := record.Decode(bytes.TrimSuffix(line, []byte("\n"))); err != nil || rec.EventID == "" {
			t.Errorf("%s: %v", line, err)
		}
	}
	if got, err := os.ReadFile(filepath.Join(dir, export.AttachmentName("Prospectus «final».pdf", sumOf(c.Pdf)))); err != nil || !bytes.Equal(got, c.Pdf) {
		t.Errorf("the attachment: %v", err)
	}
	if _, err := export.Run(context.Background(), c, export.Options{Dir: dir, Zone: exporttest.Zone(t)}, c.Voucher, c.Signer); err == nil {
		t.Error("an export was written over")
	}
}

func TestASelectionIsNarrowed(t *testing.T) {
	c := exporttest.New(t)
	o := c.Options("jsonl", nil)
	o.Manifest.Records = false
	o.Selection = export.Selection{Rooms: []string{exporttest.Direct}, People: []string{exporttest.Alice}}
	dir := c.Export(o)
	r := verifyDir(t, dir, c.Keys())
	if len(r.Problems) > 0 || r.Records != 3 || r.Manifest.Counts.Rooms != 1 || r.Manifest.Scope.Rooms[0] != exporttest.Direct {
		t.Errorf("%+v", r)
	}
	if _, err := os.Stat(filepath.Join(dir, export.RecordsFile)); err == nil {
		t.Error("the records are there")
	}
}

// What no checkpoint covers is not exported as if it were proved, and not passed over either.
func TestRecordsWithoutProofAreCounted(t *testing.T) {
	c := exporttest.New(t)
	c.Covered -= 3
	r := verifyDir(t, c.Export(c.Options("csv", table.New)), c.Keys())
	if len(r.Problems) > 0 || r.Manifest.Counts.Newer != 3 || r.Manifest.Counts.Rooms != 1 {
		t.Errorf("%+v", r)
	}
}

// edit changes a file of the export.
func edit(name string, f func(b []byte) []byte) func(*testing.T, *exporttest.Case, string) {
	return func(t *testing.T, _ *exporttest.Case, dir string) {
		t.Helper()
		path := filepath.Join(dir, name)
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, f(b), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

func flip(b []byte) []byte {
	b[len(b)/2] ^= 1
	return b
}

func replace(old, with string) func([]byte) []byte {
	return func(b []byte) []byte { return bytes.Replace(b, []byte(old), []byte(with), 1) }
}

// without drops a line.
func without(n int) func([]byte) []byte {
	return func(b []byte) []byte {
		lines := bytes.SplitAfter(b, []byte("\n"))
		return bytes.Join(append(lines[:n:n], lines[n+1:]...), nil)
	}
}

// mine signs an export anew, with another case's key or with the right one.
func resign(f func(c *exporttest.Case, m *export.Manifest), key func(c *exporttest.Case) note.Signer) func(*testing.T, *exporttest.Case, string) {
	return func(t *testing.T, c *exporttest.Case, dir string) {
		t.Helper()
		var m export.Manifest
		edit(export.ManifestFile, func(b []byte) []byte {
			if err := json.Unmarshal(b, &m); err != nil {
				t.Fatal(err)
			}
			f(c, &m)
			out, err := json.Marshal(&m)
			if err != nil {
				t.Fatal(err)
			}
			return out
		})(t, c, dir)
		edit(export.SignedFile, func([]byte) []byte {
			raw, err := os.ReadFile(filepath.Join(dir, export.ManifestFile))
			if err != nil {
				t.Fatal(err)
			}
			signed, err := note.Sign(&note.Note{Text: "conclave.chat/archive/export/v1\nmanifest.json " + sumOf(raw) + "\n"}, key(c))
			if err != nil {
				t.Fatal(err)
			}
			return signed
		})(t, c, dir)
	}
}

func right(c *exporttest.Case) note.Signer { return c.Signer }

// relist makes the manifest fit the files, as somebody with the case's key could.
func relist(dir *string) func(*exporttest.Case, *export.Manifest) {
	return func(c *exporttest.Case, m *export.Manifest) {
		for i, f := range m.Files {
			raw, err := os.ReadFile(filepath.Join(*dir, f.Name))
			if err == nil {
				m.Files[i].Size, m.Files[i].SHA256 = int64(len(raw)), sumOf(raw)
			}
		}
		m.Counts.Records = 0
		for _, name := range []string{export.ProofsFile} {
			raw, _ := os.ReadFile(filepath.Join(*dir, name))
			m.Counts.Records = bytes.Count(raw, []byte("\n")) - m.Counts.Gaps
		}
		_ = c
	}
}

type damage struct {
	name string
	do   func(*testing.T, *exporttest.Case, string)
	want string
}

// insider is somebody who holds the case's key and makes everything fit again but what the archive's log proves.
func insider(file string, f func([]byte) []byte) func(*testing.T, *exporttest.Case, string) {
	return func(t *testing.T, c *exporttest.Case, dir string) {
		t.Helper()
		edit(file, f)(t, c, dir)
		resign(relist(&dir), right)(t, c, dir)
	}
}

func voucher(f func(c *exporttest.Case, v *access.Voucher)) func(*testing.T, *exporttest.Case, string) {
	return func(t *testing.T, c *exporttest.Case, dir string) {
		t.Helper()
		edit(export.VoucherFile, func(b []byte) []byte {
			var v access.Voucher
			if err := json.Unmarshal(b, &v); err != nil {
				t.Fatal(err)
			}
			f(c, &v)
			out, err := json.Marshal(&v)
			if err != nil {
				t.Fatal(err)
			}
			return out
		})(t, c, dir)
	}
}

// swapProofs gives the first two lines each other's proofs.
func swapProofs(b []byte) []byte {
	lines := bytes.SplitAfter(b, []byte("\n"))
	var x, y export.Proof
	_ = json.Unmarshal(lines[0], &x)
	_ = json.Unmarshal(lines[1], &y)
	x.Proof, y.Proof = y.Proof, x.Proof
	for i, p := range []export.Proof{x, y} {
		raw, _ := json.Marshal(&p)
		lines[i] = append(raw, '\n')
	}
	return bytes.Join(lines, nil)
}

// invented adds a record that the archive never had.
func invented(b []byte) []byte {
	e := segment.Entry{Item: segment.Item{Kind: segment.Record, Subject: segment.Subject("!x", "$x")}, Seq: 5000}
	raw, _ := json.Marshal(&export.Proof{Seq: 5000, Room: "!x", EventID: "$x", Leaf: e.Append(nil)})
	return append(append(b, raw...), '\n')
}

func damages(attachment string) []damage {
	return []damage{
		{"a byte of an attachment", edit(attachment, flip), attachment + ": it was altered"},
		{"an attachment is missing", func(t *testing.T, _ *exporttest.Case, dir string) {
			_ = os.Remove(filepath.Join(dir, attachment))
		}, attachment + ": it is missing"},
		{"another attachment, by an insider", insider(attachment, flip), attachment + ": no record names this attachment"},
		{"a stranger", func(t *testing.T, _ *exporttest.Case, dir string) {
			_ = os.WriteFile(filepath.Join(dir, "note.txt"), []byte("x"), 0o600)
		}, "note.txt: it does not belong to the export"},
		{"the manifest", edit(export.ManifestFile, replace(exporttest.Number, "2026-18")), "manifest.json: it is not the one that was signed"},
		{"the manifest is missing", func(t *testing.T, _ *exporttest.Case, dir string) {
			_ = os.Remove(filepath.Join(dir, export.ManifestFile))
		}, "manifest.json: it is missing"},
		{"the signature", edit(export.SignedFile, flip), "manifest.signed: it is not signed by the case's key"},
		{"a manifest of somebody else", resign(func(*exporttest.Case, *export.Manifest) {}, func(c *exporttest.Case) note.Signer { return c.LogSigner }), "manifest.signed: it is not signed by the case's key"},
		{"another case", resign(func(_ *exporttest.Case, m *export.Manifest) { m.Case = "2026-18" }, right), "manifest.json: it is about case 2026-18"},
		{"another checkpoint", resign(func(_ *exporttest.Case, m *export.Manifest) {
			m.Checkpoint = strings.Replace(m.Checkpoint, "\n2", "\n3", 1)
		}, right), "manifest.json: the archive's checkpoint: "},
		{"a file is not listed", resign(func(_ *exporttest.Case, m *export.Manifest) { m.Files = append(m.Files[:1:1], m.Files[2:]...) }, right), attachment + ": it does not belong to the export"},
		{"a path out of the folder", resign(func(_ *exporttest.Case, m *export.Manifest) { m.Files[0].Name = "../x" }, right), `manifest.json: its list of files is not right at "../x"`},
		{"a byte of a record", edit(export.RecordsFile, replace("buy at 41", "buy at 14")), "records.jsonl: line 6: record 5 is not as it was sealed"},
		{"a byte of a record, by an insider", insider(export.RecordsFile, replace("buy at 41", "buy at 14")), "records.jsonl: line 6: record 5 is not as it was sealed"},
		{"a record is gone", edit(export.RecordsFile, without(3)), "records.jsonl: line 4: record 3 is not as it was sealed"},
		{"the last record is gone, by an insider", insider(export.RecordsFile, func(b []byte) []byte {
			return b[:bytes.LastIndexByte(b[:len(b)-1], '\n')+1]
		}), "records.jsonl: line 25: the record is missing"},
		{"a record and its proof are gone", func(t *testing.T, c *exporttest.Case, dir string) {
			edit(export.RecordsFile, without(3))(t, c, dir)
			edit(export.ProofsFile, without(3))(t, c, dir)
		}, "proofs.jsonl: there are 23 records and 1 gaps of 2 rooms; the manifest says 24, 1 and 2"},
		{"a record is added", edit(export.RecordsFile, func(b []byte) []byte { return append(b, "{}\n"...) }), "records.jsonl: line 26: there is no proof for this record"},
		{"a record with a leaf is added, by an insider", func(t *testing.T, c *exporttest.Case, dir string) {
			edit(export.RecordsFile, func(b []byte) []byte { return append(b, "{}\n"...) })(t, c, dir)
			insider(export.ProofsFile, invented)(t, c, dir)
		}, "proofs.jsonl: line 26: record 5000 is not proved to be in the archive"},
		{"a record comes twice, by an insider", func(t *testing.T, c *exporttest.Case, dir string) {
			twice := func(b []byte) []byte { return append(b, b[:bytes.IndexByte(b, '\n')+1]...) }
			edit(export.RecordsFile, twice)(t, c, dir)
			insider(export.ProofsFile, twice)(t, c, dir)
		}, "proofs.jsonl: line 26: record 0 stands behind record 24"},
		{"swapped proofs, by an insider", insider(export.ProofsFile, swapProofs), "proofs.jsonl: line 1: record 0 is not proved to be in the archive"},
		{"another event", insider(export.ProofsFile, replace(`"event_id":"$hello"`, `"event_id":"$hallo"`)), "proofs.jsonl: line 6: record 5 is of another event than $hallo"},
		{"proofs are missing", func(t *testing.T, _ *exporttest.Case, dir string) {
			_ = os.Remove(filepath.Join(dir, export.ProofsFile))
		}, "proofs.jsonl: it is missing"},
		{"the voucher's entry", voucher(func(_ *exporttest.Case, v *access.Voucher) {
			v.Entry = bytes.Replace(v.Entry, []byte("ann"), []byte("eve"), 1)
		}), "voucher.json: access log: the entry is not in the log that is signed"},
		{"the voucher of another place", voucher(func(_ *exporttest.Case, v *access.Voucher) { v.Number = 0 }), "voucher.json: access log: the entry is not in the log that is signed"},
		{"a voucher that nobody signed", voucher(func(c *exporttest.Case, v *access.Voucher) { v.Checkpoint = []byte(c.Checkpoint) }), "voucher.json: access log: checkpoint: "},
		{"the voucher of another case", voucher(func(c *exporttest.Case, v *access.Voucher) {
			*v = *c.Vouch(access.Entry{Case: "2026-99", Archive: exporttest.Origin})
		}), "voucher.json: the access log's entry names no key of a case"},
		{"no voucher", func(t *testing.T, _ *exporttest.Case, dir string) {
			_ = os.Remove(filepath.Join(dir, export.VoucherFile))
		}, "voucher.json: it is missing"},
	}
}

func TestEachKindOfDamageIsNamed(t *testing.T) {
	c := exporttest.New(t)
	whole := c.Export(c.Options("jsonl", nil))
	for _, d := range damages(export.AttachmentName("Prospectus «final».pdf", sumOf(c.Pdf))) {
		t.Run(d.name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "copy")
			if err := os.CopyFS(dir, os.DirFS(whole)); err != nil {
				t.Fatal(err)
			}
			d.do(t, c, dir)
			r := verifyDir(t, dir, c.Keys())
			if len(r.Problems) != 1 || !strings.HasPrefix(r.Problems[0].String(), d.want) {
				t.Errorf("got  %v\nwant %s", r.Problems, d.want)
			}
		})
	}
}

func TestOtherKeysOpenNothing(t *testing.T) {
	c, other := exporttest.New(t), exporttest.New(t)
	dir := c.Export(c.Options("jsonl", nil))
	k := c.Keys()
	k.Access = other.AccessPublic
	if r := verifyDir(t, dir, k); len(r.Problems) != 1 || !strings.HasPrefix(r.Problems[0].String(), "voucher.json: access log: checkpoint: ") {
		t.Error(r.Problems)
	}
	k = c.Keys()
	k.Policy = other.Keys().Policy
	if r := verifyDir(t, dir, k); len(r.Problems) != 1 || !strings.HasPrefix(r.Problems[0].String(), "manifest.json: the archive's checkpoint: ") {
		t.Error(r.Problems)
	}
}

// What a case's officers were not let open does not come out under its number.
func TestARecordOutsideOfTheCase(t *testing.T) {
	c := exporttest.New(t)
	late := time.Date(2026, 3, 4, 22, 30, 0, 0, time.UTC)
	for want, narrow := range map[string]func(*access.Entry){
		"proofs.jsonl: line 1: record 0 lies outside":  func(e *access.Entry) { e.Rooms = []string{exporttest.Direct} },
		"proofs.jsonl: line 1: record 0 lies outside ": func(e *access.Entry) { e.Segments = []string{segment.ID{8}.String()} },
		"records.jsonl: line 1: record 0 lies outside": func(e *access.Entry) { e.Since = &late },
		"records.jsonl: line 8: record 7 lies outside": func(e *access.Entry) { e.Until = &late },
	} {
		var e access.Entry
		if err := json.Unmarshal(c.Voucher.Entry, &e); err != nil {
			t.Fatal(err)
		}
		narrow(&e)
		whole := c.Voucher
		c.Voucher = c.Vouch(e)
		r := verifyDir(t, c.Export(c.Options("jsonl", nil)), c.Keys())
		c.Voucher = whole
		if len(r.Problems) != 1 || !strings.HasPrefix(r.Problems[0].String(), want) {
			t.Errorf("%v, want %s", r.Problems, want)
		}
	}
}

func TestSafeNames(t *testing.T) {
	for in, want := range map[string]string{
		"a.pdf": "a.pdf", "../../etc/passwd": ".._.._etc_passwd", "": "file", "..": "file", "C:\\x\n": "C__x_", "gpj\u202eexe.": "gpj_exe", "ä b.txt ": "ä b.txt",
		strings.Repeat("é", 100) + ".docx": strings.Repeat("é", 47) + ".docx",
	} {
		if got := export.SafeName(in); got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
}

// Whatever lies in an export's folder, it is verified without a crash.
func FuzzVerify(f *testing.F) {
	c := exporttest.New(f)
	dir := c.Export(c.Options("jsonl", nil))
	names := []string{export.VoucherFile, export.SignedFile, export.ManifestFile, export.ProofsFile, export.RecordsFile}
	files := map[string][]byte{}
	for i, name := range names {
		raw, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			f.Fatal(err)
		}
		files[name] = raw
		f.Add(i, raw)
	}
	f.Fuzz(func(t *testing.T, which int, data []byte) {
		name := names[uint(which)%uint(len(names))]
		d := depottest.Memory{}
		for n, b := range files {
			d[n] = b
		}
		d[name] = data
		if name == export.ManifestFile { // signed, so that it is read
			signed, err := note.Sign(&note.Note{Text: "conclave.chat/archive/export/v1\nmanifest.json " + sumOf(data) + "\n"}, c.Signer)
			if err != nil {
				t.Fatal(err)
			}
			d[export.SignedFile] = signed
		}
		r, err := export.Verify(context.Background(), d, c.Keys())
		if err != nil {
			t.Fatal(err)
		}
		if name != export.ManifestFile && !bytes.Equal(data, files[name]) && len(r.Problems) == 0 && !sameMeaning(name, data, files[name]) {
			t.Fatalf("%s was changed without a word", name)
		}
	})
}
