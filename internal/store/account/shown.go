package account

import (
	"context"
	"strings"
	"unicode"

	"golang.org/x/text/cases"
	"golang.org/x/text/unicode/norm"

	"conclave.chat/internal/mx"
	"conclave.chat/internal/store"
)

// Fold brings a text into the form in which names are compared: no capitals, no accents, one form for each letter.
func Fold(s string) string {
	s = norm.NFKD.String(s)
	s = strings.Map(func(r rune) rune {
		if unicode.Is(unicode.Mn, r) || r == 0 {
			return -1
		}
		return r
	}, s)
	return norm.NFKC.String(cases.Fold().String(s))
}

// SetShown writes what lists of accounts show and find a user by.
func SetShown(tx *store.Tx, user mx.UserID, display string, addresses []string) error {
	foundBy := Fold(strings.Join(append([]string{display, string(user)}, addresses...), "\n"))
	_, err := tx.Exec("UPDATE account SET display = $1, found_by = $2 WHERE user_id = $3", display, foundBy, user)
	return err
}

// Unshown reads accounts for which SetShown was never called, at most limit of them.
func Unshown(ctx context.Context, r store.Reader, limit int) ([]Account, error) {
	return accounts(ctx, r, "SELECT "+accountColumns+" FROM account WHERE found_by = '' ORDER BY user_id LIMIT $1", limit)
}

// AnyAdmin reports whether there is an administrator.
func AnyAdmin(ctx context.Context, r store.Reader) (bool, error) {
	list, err := accounts(ctx, r, "SELECT "+accountColumns+" FROM account WHERE admin AND NOT deactivated LIMIT 1")
	return len(list) > 0, err
}
