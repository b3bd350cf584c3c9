package doctor

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// Disk space below these makes a finding: bytes.
const (
	diskWarning = 5 << 30
	diskProblem = 500 << 20
)

// DataDir checks that the data folder is there, private and has room.
func DataDir(dir string) Check {
	return func(context.Context) Finding {
		f := Finding{Check: "data folder", Found: dir}
		info, err := os.Stat(dir)
		switch {
		case err != nil:
			f.Level, f.Found, f.Do = Problem, err.Error(), "Run conclave init, or correct data_dir."
			return f
		case !info.IsDir():
			f.Level, f.Do = Problem, "data_dir names a file; it must be a folder."
			return f
		case info.Mode().Perm()&0o077 != 0:
			f.Level, f.Found, f.Do = Warning, dir+" can be read by other users of this machine", "chmod 700 "+dir
			return f
		}
		var st unix.Statfs_t
		if err := unix.Statfs(dir, &st); err != nil {
			f.Level, f.Found = Warning, err.Error()
			return f
		}
		free := st.Bavail * uint64(st.Bsize)
		f.Found = fmt.Sprintf("%s, %.1f GiB free", dir, float64(free)/(1<<30))
		switch {
		case free < diskProblem:
			f.Level, f.Do = Problem, "Free disk space now: messages cannot be stored once it is full."
		case free < diskWarning:
			f.Level, f.Do = Warning, "Plan for more disk space."
		}
		return f
	}
}

// timeError is the kernel's word for a clock that nothing synchronises (TIME_ERROR of adjtimex).
const timeError = 5

// Clock checks that the system clock is synchronised: timestamps are evidence, and tokens expire by them.
func Clock() Check {
	return func(context.Context) Finding {
		f := Finding{Check: "clock"}
		var tx unix.Timex
		state, err := unix.Adjtimex(&tx)
		now := time.Now().UTC().Format(time.RFC3339)
		switch {
		case err != nil:
			f.Level, f.Found, f.Do = Warning, now+"; whether it is synchronised cannot be read here", "Make sure that the host runs NTP."
		case state == timeError || tx.Status&unix.STA_UNSYNC != 0:
			f.Level, f.Found, f.Do = Warning, now+", not synchronised", "Run an NTP client such as chrony or systemd-timesyncd."
		default:
			f.Found = now + ", synchronised"
		}
		return f
	}
}

// Listener checks that the configured address can be bound, or that this server already answers there.
func Listener(addr string, answers func(context.Context) error) Check {
	return func(ctx context.Context) Finding {
		f := Finding{Check: "listener"}
		l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", addr)
		if err == nil {
			_ = l.Close()
			f.Found = addr + " is free: the server is not running"
			return f
		}
		if aerr := answers(ctx); aerr == nil {
			f.Found = addr + " is served by a Matrix server"
			return f
		}
		f.Level, f.Found, f.Do = Problem, err.Error(), "Stop what uses the address, or change listen."
		if errors.Is(err, syscall.EADDRINUSE) {
			f.Found = addr + " is used by another program"
		}
		return f
	}
}
