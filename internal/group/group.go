// Package group owns groups of people, such as departments: what they are called, and who is in them. What is recorded can follow them.
//
// Administrators change groups through Make, Rename, Remove and Change, each in the audit log; an account that is made for somebody enters by Enter,
// one that ends leaves by EraseAccount. In answers who is in a group from memory; Changed must hear of every committed batch, so that all
// nodes see a change at once. It refuses members who have no account here.
package group

import (
	"context"
	"fmt"
	"hash/fnv"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"conclave.chat/internal/fault"
	"conclave.chat/internal/mx"
	"conclave.chat/internal/store"
	"conclave.chat/internal/store/account"
	"conclave.chat/internal/store/auditlog"
	"conclave.chat/internal/store/group"
	"conclave.chat/internal/store/listing"
)

// Group is a group as lists show it.
type Group = group.Group

// Member is somebody in a group.
type Member = group.Member

// By is who does something.
type By = auditlog.Actor

// Deps are what a Service needs.
type Deps struct {
	DB  *store.DB
	Now func() time.Time
	// Shrinks refuses that members leave a group, or that it ends. Nil refuses nothing.
	Shrinks func(by By, id string, ends bool) error
	// Guard refuses that somebody is put into groups or taken out. Nil refuses nothing.
	Guard func(by By, user mx.UserID) error
}

// Service is the groups of one installation.
type Service struct {
	Deps
	book store.Copy[book]
}

// New makes a Service. It reads who is in which group: what is recorded may depend on that, and nothing is taken for granted in its place.
func New(ctx context.Context, d Deps) (*Service, error) {
	if d.Now == nil {
		d.Now = time.Now
	}
	if d.Shrinks == nil {
		d.Shrinks = func(By, string, bool) error { return nil }
	}
	if d.Guard == nil {
		d.Guard = func(By, mx.UserID) error { return nil }
	}
	s := &Service{Deps: d}
	_, err := s.read(ctx)
	return s, err
}

// Bounds of what can be asked for.
const (
	maxName   = 100
	maxChange = 5000 // people in one change
)

var idGrammar = regexp.MustCompile(`^[a-z0-9][a-z0-9._-]{0,63}$`)

var errNone = fault.Missing("There is no such group")

func checkName(name string) error {
	if n := utf8.RuneCountInString(name); n == 0 || n > maxName || !utf8.ValidString(name) || strings.ContainsFunc(name, func(r rune) bool { return r < ' ' }) {
		return fault.InvalidParam("A group's name has 1 to %d characters, on one line", maxName)
	}
	return nil
}

// Make makes a group without members.
func (s *Service) Make(ctx context.Context, by By, id, name string) (*Group, error) {
	if name == "" {
		name = id
	}
	if !idGrammar.MatchString(id) {
		return nil, fault.InvalidParam("The id of a group has small letters, digits and . _ - only, 64 at most, and begins with a letter or digit")
	}
	if err := checkName(name); err != nil {
		return nil, err
	}
	return s.write(ctx, id, func(tx *store.Tx) error {
		ok, err := group.Insert(tx, id, name, s.now())
		if err == nil && !ok {
			err = fault.New(fault.Conflict, "CHAT.CONCLAVE.EXISTS", "There is a group of that id already")
		}
		if err != nil {
			return err
		}
		return s.record(tx, by, "group.create", id, nil, map[string]any{"name": name})
	})
}

// Rename gives a group another name. Its id stays.
func (s *Service) Rename(ctx context.Context, by By, id, name string) (*Group, error) {
	if err := checkName(name); err != nil {
		return nil, err
	}
	return s.write(ctx, id, func(tx *store.Tx) error {
		was, err := s.find(ctx, tx, id)
		if err != nil {
			return err
		}
		if err := group.Rename(tx, id, name); err != nil {
			return err
		}
		return s.record(tx, by, "group.rename", id, map[string]any{"name": was.Name}, map[string]any{"name": name})
	})
}

// Remove ends a group. Its members stay what they are otherwise.
func (s *Service) Remove(ctx context.Context, by By, id string) error {
	if err := s.Shrinks(by, id, true); err != nil {
		return err
	}
	return s.DB.Write(func(tx *store.Tx) error {
		was, err := s.find(ctx, tx, id)
		if err != nil {
			return err
		}
		members := []mx.UserID{}
		err = group.All(ctx, tx, func(g string, user mx.UserID) {
			if g == id && user != "" {
				members = append(members, user)
			}
		})
		if err != nil {
			return err
		}
		if err := group.Delete(tx, id); err != nil {
			return err
		}
		group.Changed(tx)
		return s.record(tx, by, "group.delete", id, map[string]any{"name": was.Name, "members": members}, nil)
	})
}

// Change puts people into a group and takes others out. Who is in it already, or is not, stays so.
func (s *Service) Change(ctx context.Context, by By, id string, join, leave []mx.UserID) (*Group, error) {
	if err := s.mayChange(by, id, join, leave); err != nil {
		return nil, err
	}
	return s.write(ctx, id, func(tx *store.Tx) error {
		was, err := s.find(ctx, tx, id)
		if err != nil {
			return err
		}
		joined, left := []mx.UserID{}, []mx.UserID{}
		for _, user := range join {
			if a, err := account.Find(ctx, tx, user); err != nil {
				return err
			} else if a == nil || a.Deactivated {
				return fault.InvalidParam("%s has no account here", user)
			}
			if ok, err := group.Join(tx, id, user, s.now()); err != nil {
				return err
			} else if ok {
				joined = append(joined, user)
			}
		}
		for _, user := range leave {
			if ok, err := group.Leave(tx, id, user); err != nil {
				return err
			} else if ok {
				left = append(left, user)
			}
		}
		if len(joined)+len(left) == 0 {
			return nil
		}
		members := was.Members + int64(len(joined)) - int64(len(left))
		return s.record(tx, by, "group.members", id, map[string]any{"members": was.Members}, map[string]any{"members": members, "joined": joined, "left": left})
	})
}

// mayChange refuses what cannot be, or is not this administrator's to change.
func (s *Service) mayChange(by By, id string, join, leave []mx.UserID) error {
	if len(join)+len(leave) > maxChange {
		return fault.InvalidParam("One change is about %d people at most", maxChange)
	}
	for _, user := range join {
		if slices.Contains(leave, user) {
			return fault.InvalidParam("%s cannot join and leave", user)
		}
	}
	for _, user := range slices.Concat(join, leave) {
		if err := s.Guard(by, user); err != nil {
			return err
		}
	}
	if len(leave) > 0 {
		return s.Shrinks(by, id, false)
	}
	return nil
}

// Check refuses ids of groups that do not exist.
func (s *Service) Check(ctx context.Context, ids []string) error {
	b, err := s.read(ctx)
	if err != nil {
		return err
	}
	for _, id := range ids {
		if _, ok := b.of[id]; !ok {
			return fault.InvalidParam("There is no group %q", id)
		}
	}
	return nil
}

// Enter puts a new account into groups, within the transaction that makes it. A group that has gone meanwhile is passed over.
func (s *Service) Enter(ctx context.Context, tx *store.Tx, user mx.UserID, ids []string) error {
	for _, id := range ids {
		g, err := group.Find(ctx, tx, id)
		if err != nil {
			return err
		}
		if g == nil {
			continue
		}
		if _, err := group.Join(tx, id, user, s.now()); err != nil {
			return err
		}
	}
	if len(ids) > 0 {
		group.Changed(tx)
	}
	return nil
}

// EraseDevice does nothing: groups know no devices.
func (*Service) EraseDevice(*store.Tx, mx.UserID, mx.DeviceID) error { return nil }

// EraseAccount takes an account that ends out of its groups.
func (*Service) EraseAccount(tx *store.Tx, user mx.UserID, _ bool) error {
	left, err := group.LeaveAll(tx, user)
	if left {
		group.Changed(tx)
	}
	return err
}

// Find is one group.
func (s *Service) Find(ctx context.Context, id string) (*Group, error) { return s.find(ctx, s.DB, id) }

// List is one page of the groups.
func (s *Service) List(ctx context.Context, search string, p listing.Page) (listing.Found[Group], error) {
	return group.List(ctx, s.DB, search, p)
}

// Members is one page of the people in a group.
func (s *Service) Members(ctx context.Context, id, search string, p listing.Page) (listing.Found[Member], error) {
	if _, err := s.find(ctx, s.DB, id); err != nil {
		return listing.Found[Member]{}, err
	}
	return group.Members(ctx, s.DB, id, search, p)
}

// Of is the groups that somebody is in.
func (s *Service) Of(ctx context.Context, user mx.UserID) ([]Group, error) {
	return group.Of(ctx, s.DB, user)
}

func (s *Service) find(ctx context.Context, r store.Reader, id string) (*Group, error) {
	g, err := group.Find(ctx, r, id)
	if err == nil && g == nil {
		err = errNone
	}
	return g, err
}

// write changes a group in one transaction and gives it as it is then.
func (s *Service) write(ctx context.Context, id string, f func(*store.Tx) error) (g *Group, err error) {
	err = s.DB.Write(func(tx *store.Tx) error {
		if err := f(tx); err != nil {
			return err
		}
		group.Changed(tx)
		g, err = s.find(ctx, tx, id)
		return err
	})
	return g, err
}

func (s *Service) record(tx *store.Tx, by By, action, id string, was, became any) error {
	return auditlog.Record(tx, s.now(), by, auditlog.Act{Action: action, Target: id, Was: was, Became: became})
}

func (s *Service) now() int64 { return store.Millis(s.Now()) }

// book is who is in which group.
type book struct {
	of   map[string]map[mx.UserID]bool
	mark uint64
}

// Changed hears of a committed batch, on this node or another.
func (s *Service) Changed(b store.Batch) {
	if b.Lost || slices.ContainsFunc(b.Changes, func(c store.Change) bool { return c.Kind == store.KindGroup }) {
		s.book.Drop()
	}
}

func (s *Service) read(ctx context.Context) (*book, error) {
	return s.book.Get(func() (*book, error) {
		b, sum := &book{of: map[string]map[mx.UserID]bool{}}, fnv.New64a()
		err := group.All(ctx, s.DB, func(id string, user mx.UserID) {
			if b.of[id] == nil {
				b.of[id] = map[mx.UserID]bool{}
			}
			if user != "" {
				b.of[id][user] = true
			}
			fmt.Fprintf(sum, "%s %s\n", id, user)
		})
		if err != nil {
			return nil, err
		}
		b.mark = sum.Sum64()
		return b, nil
	})
}

// current reads the book; where that fails, it is as it was: the database is away, and nothing else works either.
func (s *Service) current() *book {
	b, err := s.read(context.Background())
	if err != nil {
		return s.book.Last()
	}
	return b
}

// In is the members of a group; nil where there is no such group. Nobody may change what it gives.
func (s *Service) In(id string) map[mx.UserID]bool { return s.current().of[id] }

// Print differs where who is in which group differs.
func (s *Service) Print() uint64 { return s.current().mark }
