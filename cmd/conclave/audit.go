package main

import (
	"bufio"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"conclave.chat/internal/app"
	"conclave.chat/internal/audit"
	"conclave.chat/internal/mx"
	"conclave.chat/internal/sheet"
)

// auditCmd reads the audit log, beside a running server or without one.
type auditCmd struct {
	Verify auditVerifyCmd `cmd:"" help:"Walk the chain of hashes and name the first entry that is not right."`
	Export auditExportCmd `cmd:"" help:"Print the whole log, oldest first, with all that is hashed."`
}

func (c *cli) withAudit(ctx context.Context, f func(*audit.Service) error) error {
	return with(ctx, c, app.AuditLog, func(s *audit.Service, _ mx.ServerName) error { return f(s) })
}

type auditVerifyCmd struct {
	Seq  int64  `help:"Number of an entry that you noted earlier."`
	Hash string `help:"Its hash: tells whether the log was written anew or cut off since."`
}

// Run verifies the chain.
func (a *auditVerifyCmd) Run(ctx context.Context, c *cli) error {
	var anchor *audit.Anchor
	if a.Seq != 0 || a.Hash != "" {
		anchor = &audit.Anchor{Seq: a.Seq, Hash: a.Hash}
	}
	return c.withAudit(ctx, func(s *audit.Service) error {
		v, err := s.Verify(ctx, anchor)
		switch {
		case err != nil:
			return err
		case v.Bad != 0:
			return fmt.Errorf("entry %d is not right. %s", v.Bad, v.Reason)
		case v.Head == nil:
			fmt.Println("The log is empty.")
		default:
			fmt.Printf("%d entries are right. Note the last one elsewhere, to verify against it later:\n--seq %d --hash %x\n", v.Entries, v.Head.Seq, v.Head.Hash)
		}
		return nil
	})
}

type auditExportCmd struct {
	Format string `help:"jsonl (one JSON object a line, exactly what is hashed) or csv (for spreadsheets)." enum:"jsonl,csv" default:"jsonl"`
}

// Run prints the log.
func (a *auditExportCmd) Run(ctx context.Context, c *cli) error {
	return c.withAudit(ctx, func(s *audit.Service) error {
		w := bufio.NewWriter(os.Stdout)
		if a.Format == "csv" {
			return errors.Join(exportCSV(ctx, s, w), w.Flush())
		}
		return errors.Join(exportLines(ctx, s, w), w.Flush())
	})
}

// exported is an entry as it is printed: every field that is hashed, as it is.
type exported struct {
	Seq    int64  `json:"seq"`
	TS     int64  `json:"ts"`
	Time   string `json:"time"`
	Actor  string `json:"actor"`
	Device string `json:"device"`
	Addr   string `json:"addr"`
	Action string `json:"action"`
	Target string `json:"target"`
	Was    string `json:"was"`
	Became string `json:"became"`
	Prev   string `json:"prev"`
	Hash   string `json:"hash"`
}

func exportAudit(e *audit.Entry) exported {
	return exported{
		e.Seq, e.Time, time.UnixMilli(e.Time).UTC().Format(time.RFC3339Nano), e.Actor, e.Device, e.Addr, e.Action, e.Target,
		string(e.Was), string(e.Became), hex.EncodeToString(e.Prev), hex.EncodeToString(e.Hash),
	}
}

func exportLines(ctx context.Context, s *audit.Service, w io.Writer) error {
	enc := jsontext.NewEncoder(w)
	return s.Each(ctx, func(e *audit.Entry) error { return json.MarshalEncode(enc, exportAudit(e)) })
}

func exportCSV(ctx context.Context, s *audit.Service, w io.Writer) error {
	out := sheet.NewWriter(w)
	if err := out.Row("seq", "ts", "time", "actor", "device", "addr", "action", "target", "was", "became", "prev", "hash"); err != nil {
		return err
	}
	err := s.Each(ctx, func(e *audit.Entry) error {
		x := exportAudit(e)
		return out.Row(
			strconv.FormatInt(x.Seq, 10), strconv.FormatInt(x.TS, 10), x.Time, x.Actor, x.Device, x.Addr, x.Action, x.Target, x.Was, x.Became, x.Prev, x.Hash,
		)
	})
	return errors.Join(err, out.Flush())
}
