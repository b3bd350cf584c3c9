package ident

import (
	"conclave.chat/internal/fault"
	"conclave.chat/internal/ident/passhash"
)

// CheckNewPassword applies the password policy.
func (s *Service) CheckNewPassword(password string) error {
	switch {
	case len(password) > passhash.Longest:
		return fault.InvalidParam("The password is longer than %d bytes", passhash.Longest)
	case len([]rune(password)) < s.Config.Passwords.MinLength:
		return fault.New(fault.BadRequest, "M_WEAK_PASSWORD", "The password is shorter than %d characters", s.Config.Passwords.MinLength)
	}
	return nil
}
