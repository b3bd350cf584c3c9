package door

import (
	"errors"
	"fmt"
	"net"
	"os"
	"syscall"
)

// hangups tells which connections their clients have closed, without reading from them: the system keeps the list (epoll), one goroutine
// waits for all of them. net/http has a goroutine read from each connection instead, which is what is to be saved. The list itself is
// waited for through Go's poller, so it holds no thread.
type hangups struct {
	file *os.File
	raw  syscall.RawConn
}

func newHangups() (*hangups, error) {
	fd, err := syscall.EpollCreate1(syscall.EPOLL_CLOEXEC)
	if err != nil {
		return nil, fmt.Errorf("door: epoll: %w", err)
	}
	if err := syscall.SetNonblock(fd, true); err != nil { // os gives only such files to the poller
		return nil, errors.Join(fmt.Errorf("door: epoll: %w", err), syscall.Close(fd))
	}
	file := os.NewFile(uintptr(fd), "epoll")
	raw, err := file.SyscallConn()
	if err != nil {
		return nil, errors.Join(fmt.Errorf("door: epoll: %w", err), file.Close())
	}
	return &hangups{file, raw}, nil
}

// add watches a connection. Bytes that arrive do not count: they are the next request's.
func (h *hangups) add(c net.Conn, key uint64) error {
	return h.control(c, syscall.EPOLL_CTL_ADD, &syscall.EpollEvent{
		Events: syscall.EPOLLRDHUP | syscall.EPOLLONESHOT, Fd: int32(key), Pad: int32(key >> 32),
	})
}

// remove ends watching a connection, which has to be done before another request on it is watched.
func (h *hangups) remove(c net.Conn) error { return h.control(c, syscall.EPOLL_CTL_DEL, nil) }

func (h *hangups) control(c net.Conn, op int, e *syscall.EpollEvent) error {
	for {
		if raw, ok := c.(syscall.Conn); ok {
			return h.controlRaw(raw, op, e)
		}
		inner, ok := c.(interface{ NetConn() net.Conn })
		if !ok {
			return errors.ErrUnsupported
		}
		c = inner.NetConn()
	}
}

func (h *hangups) controlRaw(c syscall.Conn, op int, e *syscall.EpollEvent) error {
	conn, err := c.SyscallConn()
	if err != nil {
		return err
	}
	var failed error
	err = h.raw.Control(func(list uintptr) {
		err := conn.Control(func(fd uintptr) { failed = syscall.EpollCtl(int(list), op, int(fd), e) })
		failed = errors.Join(failed, err)
	})
	return errors.Join(err, failed)
}

// run calls gone for each connection that was closed, until close.
func (h *hangups) run(gone func(key uint64)) {
	var events [64]syscall.EpollEvent
	for {
		var n int
		var failed error
		err := h.raw.Read(func(list uintptr) bool {
			n, failed = syscall.EpollWait(int(list), events[:], 0)
			return n > 0 || failed != nil && !errors.Is(failed, syscall.EINTR)
		})
		if err != nil || failed != nil {
			return
		}
		for _, e := range events[:n] {
			gone(uint64(uint32(e.Fd)) | uint64(uint32(e.Pad))<<32)
		}
	}
}

func (h *hangups) close() error { return h.file.Close() }
