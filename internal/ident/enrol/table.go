package enrol

import (
	"bytes"
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"slices"
	"strings"

	"conclave.chat/internal/fault"
	"conclave.chat/internal/ident"
	"conclave.chat/internal/sheet"
	"conclave.chat/internal/store/account"
)

// maxRows bounds one table.
const maxRows = 5000

// Import says what to do with a table of people.
type Import struct {
	Table    []byte // CSV with a header
	DryRun   bool   // only say what would be done
	Accounts bool   // make accounts with one-time passwords, not invitations
	Send     bool   // send invitations by e-mail
}

// The outcomes of rows.
const (
	RowReady   = "ready"   // it would be done
	RowDone    = "done"    // it was done
	RowExists  = "exists"  // there is such an account: nothing is left to do
	RowPending = "pending" // there is such an invitation: nothing is left to do
	RowWrong   = "error"   // it cannot be done
)

// Row is what became of one row.
type Row struct {
	Line     int // in the table, from 1; the header is the first
	UserName string
	Display  string
	Address  string
	Admin    bool
	Groups   []string
	Outcome  string
	Problem  string
	Link     string // of an invitation
	Password string // of an account
	Sent     bool   // by e-mail
}

// columns are the names that a table's columns may have, in any order.
var columns = []string{"user_name", "display_name", "email", "admin", "groups"} //nolint:gochecknoglobals // a compiled table

// Import invites the people of a table, or makes their accounts, and says of each row what came of it. A bad row keeps no other from
// being done. The same table can be given again: who has an account or an invitation is left as they are.
func (s *Service) Import(ctx context.Context, by ident.By, in Import) ([]Row, error) {
	if in.Send && !in.DryRun && !s.accounts.HasMail() {
		return nil, fault.New(fault.BadRequest, "CHAT.CONCLAVE.NO_MAIL", "No mail server is configured: pass the links on by yourself")
	}
	rows, err := parse(in.Table)
	if err != nil {
		return nil, err
	}
	names, addresses := map[string]int{}, map[string]int{}
	for i := range rows {
		r := &rows[i]
		if r.Outcome != "" {
			continue
		}
		if first := twice(names, strings.ToLower(r.UserName), r.Line) + twice(addresses, strings.ToLower(r.Address), r.Line); first != 0 {
			r.Outcome, r.Problem = RowWrong, fmt.Sprintf("The same user name or address is in line %d", first)
			continue
		}
		if err := s.row(ctx, by, in, r); err != nil {
			f := fault.Of(err)
			if f == nil || f.Kind == fault.Internal {
				return nil, err
			}
			r.Outcome, r.Problem = RowWrong, f.Msg
		}
	}
	return rows, nil
}

// twice gives the line in which a name was seen before; 0 for none.
func twice(seen map[string]int, name string, line int) int {
	if name == "" {
		return 0
	}
	if first, ok := seen[name]; ok {
		return first
	}
	seen[name] = line
	return 0
}

// row does what one row says.
func (s *Service) row(ctx context.Context, by ident.By, in Import, r *Row) error {
	g := Guest{UserName: r.UserName, Display: r.Display, Address: r.Address, Admin: r.Admin, Groups: r.Groups}
	if in.Accounts && g.UserName == "" {
		return fault.MissingParam("An account needs a user name")
	}
	if g.UserName == "" && g.Address == "" && g.Display == "" {
		return fault.MissingParam("The row names nobody")
	}
	if g.UserName != "" {
		a, err := account.Find(ctx, s.accounts.DB, s.accounts.UserID(g.UserName))
		if err != nil {
			return err
		}
		if a != nil && !a.Deactivated {
			r.Outcome = RowExists
			return nil
		}
	}
	err := s.check(ctx, &g)
	switch {
	case errors.Is(err, errInvited):
		r.Outcome = RowPending
		return nil
	case fault.Is(err, ident.ErrAddressTaken.Code) && g.UserName == "":
		r.Outcome = RowExists
		return nil
	case err != nil:
		return err
	}
	r.UserName, r.Address, r.Outcome = g.UserName, g.Address, RowReady
	if in.DryRun {
		return nil
	}
	if in.Accounts {
		_, r.Password, err = s.accounts.Add(ctx, by, ident.NewAccount{Name: g.UserName, Display: g.Display, Admin: g.Admin, Address: g.Address, Groups: g.Groups})
	} else {
		var made *Invited
		if made, err = s.Invite(ctx, by, g, in.Send && g.Address != ""); err == nil {
			r.Link, r.Sent = made.Link, made.Sent
		}
	}
	if err == nil {
		r.Outcome = RowDone
	}
	return err
}

var errTable = fault.New(fault.BadRequest, "M_INVALID_PARAM",
	"The table is not CSV with a header of user_name, display_name, email, admin and groups, or some of them, and commas or semicolons between")

// parse reads the table. Spreadsheets write a byte order mark, and semicolons where the comma is the decimal one.
func parse(table []byte) ([]Row, error) {
	table = bytes.TrimPrefix(table, []byte("\xef\xbb\xbf"))
	head, _, _ := bytes.Cut(table, []byte("\n"))
	in := csv.NewReader(bytes.NewReader(table))
	in.TrimLeadingSpace, in.FieldsPerRecord = true, -1
	if bytes.IndexByte(head, ';') >= 0 && bytes.IndexByte(head, ',') < 0 {
		in.Comma = ';'
	}
	names, err := in.Read()
	if err != nil {
		return nil, errTable.Because(err)
	}
	for i, n := range names {
		names[i] = strings.ToLower(strings.ReplaceAll(strings.TrimSpace(n), " ", "_"))
		if !slices.Contains(columns, names[i]) || slices.Contains(names[:i], names[i]) {
			return nil, errTable
		}
	}
	var rows []Row
	for {
		cells, err := in.Read()
		if cells == nil && err != nil {
			if len(rows) == 0 || errors.As(err, new(*csv.ParseError)) {
				return nil, errTable.Because(err)
			}
			return rows, nil
		}
		if err != nil {
			return nil, errTable.Because(err)
		}
		if len(rows) == maxRows {
			return nil, fault.Oversize("A table has at most %d rows; cut it into several", maxRows)
		}
		line, _ := in.FieldPos(0)
		rows = append(rows, read(line, names, cells))
	}
}

func read(line int, names, cells []string) Row {
	r := Row{Line: line}
	if len(cells) != len(names) {
		r.Outcome, r.Problem = RowWrong, fmt.Sprintf("The row has %d cells; the header has %d", len(cells), len(names))
		return r
	}
	for i, name := range names {
		text := strings.TrimSpace(sheet.Plain(cells[i]))
		switch name {
		case "user_name":
			r.UserName = text
		case "display_name":
			r.Display = text
		case "email":
			r.Address = text
		case "groups":
			r.Groups = strings.FieldsFunc(text, func(c rune) bool { return c == ' ' || c == ',' || c == ';' })
		case "admin":
			switch strings.ToLower(text) {
			case "", "no", "false", "0":
			case "yes", "true", "1":
				r.Admin = true
			default:
				r.Outcome, r.Problem = RowWrong, "admin is yes or no"
			}
		}
	}
	return r
}
