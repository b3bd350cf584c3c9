//go:build !linux

package door

import (
	"errors"
	"net"
)

// hangups is there on Linux only. Elsewhere long polls keep their goroutines.
type hangups struct{}

func newHangups() (*hangups, error) { return nil, errors.ErrUnsupported }

func (*hangups) add(net.Conn, uint64) error { return errors.ErrUnsupported }

func (*hangups) remove(net.Conn) error { return errors.ErrUnsupported }

func (*hangups) run(func(uint64)) {}

func (*hangups) close() error { return nil }
