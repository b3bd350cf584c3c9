package subject

import (
	"context"
	"math"

	"conclave.chat/internal/mx"
	"conclave.chat/internal/store/accepted"
	"conclave.chat/internal/store/auditlog"
	"conclave.chat/internal/store/eventlog"
	"conclave.chat/internal/store/holds"
	"conclave.chat/internal/store/retain"
)

// Why something of a person stays.
const (
	WhyHold    = "hold"    // a legal hold covers it; it goes when that is released
	WhyState   = "state"   // it is part of how rooms are: who joined, what they are called
	WhyArchive = "archive" // the sealed archive has it, for as long as its retention class says
)

// Stay is something of a person that is not erased.
type Stay struct {
	Why      string `json:"why" enum:"hold state archive" doc:"hold: a legal hold covers it; it goes when that is released. state: who joined, what rooms are called, and other events without which rooms would not be what they are. archive: the sealed archive keeps its copies for as long as their retention class says, or a hold."`
	Messages int64  `json:"events"`
	Rooms    int64  `json:"rooms"`
	Account  bool   `json:"account,omitempty" doc:"Also what the account stored: profile, addresses, settings, keys."`
}

// Report says what an erasure removes, and what stays and why.
type Report struct {
	User     mx.UserID `json:"user_id"`
	Messages int64     `json:"messages" doc:"Messages that go, in the background."`
	Rooms    int64     `json:"rooms" doc:"Rooms that they are in."`
	Stays    []Stay    `json:"stays"`
}

// Erase ends somebody's account, and has removed what the server keeps of the person as far as the law lets it: an erasure goes before retention,
// a hold before an erasure.
func (s *Service) Erase(ctx context.Context, by auditlog.Actor, user mx.UserID) (*Report, error) {
	if _, err := s.find(ctx, by, user); err != nil {
		return nil, err
	}
	report, err := s.foresee(ctx, user)
	if err != nil {
		return nil, err
	}
	return report, s.Deps.Erase(ctx, by, user)
}

// foresee counts what goes and what stays.
func (s *Service) foresee(ctx context.Context, user mx.UserID) (*Report, error) {
	report := &Report{User: user, Stays: []Stay{}}
	hold, state, archive := Stay{Why: WhyHold}, Stay{Why: WhyState}, Stay{Why: WhyArchive}
	var err error
	if hold.Account, err = holds.OfAccount(ctx, s.DB, user); err != nil {
		return nil, err
	}
	rooms, err := eventlog.Memberships(ctx, s.DB, user)
	if err != nil {
		return nil, err
	}
	for i := range rooms {
		room := rooms[i].Room
		all, err := retain.CountSent(ctx, s.DB, room, user, math.MinInt64, math.MaxInt64)
		if err != nil {
			return nil, err
		}
		cover, err := holds.In(ctx, s.DB, room)
		if err != nil {
			return nil, err
		}
		kept := int64(0)
		for _, span := range cover {
			n, err := retain.CountSent(ctx, s.DB, room, user, span.From, span.To)
			if err != nil {
				return nil, err
			}
			kept += n
		}
		own, err := retain.CountState(ctx, s.DB, room, user)
		if err != nil {
			return nil, err
		}
		recorded, err := accepted.Recorded(ctx, s.DB, room)
		if err != nil {
			return nil, err
		}
		if recorded {
			archive.add(all + own)
		}
		hold.add(kept)
		state.add(own)
		if report.Messages += all - kept; all > kept {
			report.Rooms++
		}
	}
	for _, stay := range []Stay{hold, state, archive} {
		if stay.Messages > 0 || stay.Account {
			report.Stays = append(report.Stays, stay)
		}
	}
	return report, nil
}

func (s *Stay) add(n int64) {
	if n > 0 {
		s.Messages, s.Rooms = s.Messages+n, s.Rooms+1
	}
}
