// Package sheet writes tables as CSV (RFC 4180) that people open in spreadsheets.
//
// It refuses to let a value be taken for a formula: one that begins as formulas do gets an apostrophe in front, which spreadsheets
// do not show. User ids stay as they are: their grammar has no character that a formula could do harm with.
package sheet

import (
	"encoding/csv"
	"io"
	"regexp"
)

// harmless are values that begin like formulas and are none: numbers and user ids.
var harmless = regexp.MustCompile(`^(-?[0-9]+(\.[0-9]+)?|@[a-z0-9._=/+-]+:[A-Za-z0-9.:\[\]-]+)$`)

// Cell is a text as a cell holds it.
func Cell(text string) string {
	if text == "" {
		return text
	}
	switch text[0] {
	case '=', '+', '-', '@', '\t', '\r', '\n', '|', '%':
		if !harmless.MatchString(text) {
			return "'" + text
		}
	}
	return text
}

// Plain undoes Cell, for tables that come back.
func Plain(cell string) string {
	if len(cell) > 1 && cell[0] == '\'' && Cell(cell[1:]) == cell {
		return cell[1:]
	}
	return cell
}

// Writer writes rows.
type Writer struct{ csv *csv.Writer }

// NewWriter makes a Writer. Lines end in CR LF, as the RFC has it.
func NewWriter(w io.Writer) *Writer {
	c := csv.NewWriter(w)
	c.UseCRLF = true
	return &Writer{c}
}

// Row writes a row.
func (w *Writer) Row(cells ...string) error {
	safe := make([]string, len(cells))
	for i, c := range cells {
		safe[i] = Cell(c)
	}
	return w.csv.Write(safe)
}

// Flush hands on what was written.
func (w *Writer) Flush() error {
	w.csv.Flush()
	return w.csv.Error()
}
