package depot

import (
	"errors"
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// Lock takes a lock file until it is closed. Where another process has it, the error is busy.
func Lock(path string, busy error) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600) //nolint:gosec // in the operator's or the officers' folder
	if err != nil {
		return nil, fmt.Errorf("depot: %w", err)
	}
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		return nil, errors.Join(fmt.Errorf("%w: %s", busy, path), f.Close())
	}
	return f, nil
}
