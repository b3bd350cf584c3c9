package ident

import (
	"context"
	"slices"
	"strings"
	"unicode"

	"conclave.chat/internal/mx"
	"conclave.chat/internal/store"
	"conclave.chat/internal/store/account"
)

// Limits of the user directory.
const (
	maxPeople     = 100 // results of one search
	maxTerms      = 5   // words of one search that count
	maxWords      = 24  // words under which one user is found
	peoplePage    = 200 // candidates read at a time
	maxCandidates = 5000
)

// Person is a result of a search for users.
type Person struct {
	User   mx.UserID
	Name   string
	Avatar string
}

// wordsOf lists the words under which a user is found: id, local part and display name as wholes, and the parts of both names.
func wordsOf(user mx.UserID, name string) []string {
	local := user.Localpart()
	words := []string{string(user), local}
	split := func(s string) {
		words = append(words, strings.Fields(s)...)
		words = append(words, strings.FieldsFunc(s, func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) })...)
	}
	split(local)
	if name = account.Fold(name); name != "" {
		words = append(words, name)
		split(name)
	}
	out := make([]string, 0, len(words))
	for _, w := range words {
		w = w[:min(len(w), mx.MaxIDBytes)]
		if w != "" && !slices.Contains(out, w) && len(out) < maxWords {
			out = append(out, w)
		}
	}
	return out
}

// index brings the directory and what lists show up to date for one user.
func (s *Service) index(ctx context.Context, tx *store.Tx, user mx.UserID) error {
	a, err := account.Find(ctx, tx, user)
	if err != nil {
		return err
	}
	name, _, err := NameAndAvatar(ctx, tx, user)
	if err != nil {
		return err
	}
	contacts, err := account.Contacts(ctx, tx, user)
	if err != nil {
		return err
	}
	addresses := make([]string, len(contacts))
	for i := range contacts {
		addresses[i] = contacts[i].Address
	}
	if err := account.SetShown(tx, user, name, addresses); err != nil {
		return err
	}
	if a == nil || a.Deactivated || a.Locked {
		return account.SetWords(tx, user, nil)
	}
	return account.SetWords(tx, user, wordsOf(user, name))
}

// reindex does so for accounts of before there were such lists.
func (s *Service) reindex(ctx context.Context) error {
	return s.drain(ctx, func(tx *store.Tx) (int64, error) {
		list, err := account.Unshown(ctx, tx, collectBatch)
		for i := range list {
			if err == nil {
				err = s.index(ctx, tx, list[i].User)
			}
		}
		return int64(len(list)), err
	})
}

// Search finds users whose names have words that begin with each word of the term. limited reports that there are more.
//
// Spec: cs#post_matrixclientv3user_directorysearch
func (s *Service) Search(ctx context.Context, viewer mx.UserID, term string, limit int) (list []Person, limited bool, err error) {
	prefixes := strings.Fields(account.Fold(term))
	if len(prefixes) == 0 {
		return nil, false, nil
	}
	// The longest word comes first: it leaves the fewest candidates.
	slices.SortStableFunc(prefixes, func(a, b string) int { return len(b) - len(a) })
	prefixes = prefixes[:min(len(prefixes), maxTerms)]
	limit = min(limit, maxPeople)
	after := mx.UserID("")
	for range maxCandidates / peoplePage {
		page, err := account.FindByWords(ctx, s.DB, prefixes, after, peoplePage)
		if err != nil {
			return nil, false, err
		}
		for _, u := range page {
			ok, err := s.mayFind(ctx, viewer, u)
			if err != nil {
				return nil, false, err
			}
			if !ok {
				continue
			}
			if len(list) == limit {
				return list, true, nil
			}
			p := Person{User: u}
			if p.Name, p.Avatar, err = NameAndAvatar(ctx, s.DB, u); err != nil {
				return nil, false, err
			}
			list = append(list, p)
		}
		if len(page) < peoplePage {
			break
		}
		after = page[len(page)-1]
	}
	return list, false, nil
}

// mayFind applies the directory policy. Nobody needs to find themselves.
func (s *Service) mayFind(ctx context.Context, viewer, user mx.UserID) (bool, error) {
	switch {
	case viewer == user:
		return false, nil
	case s.Config.Directory == "organisation" || s.Rooms == nil:
		return true, nil
	}
	return s.Rooms.Visible(ctx, viewer, user)
}
