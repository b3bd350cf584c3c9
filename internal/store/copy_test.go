package store_test

import (
	"testing"

	"conclave.chat/internal/store"
)

// A copy that was read before a change, and is ready after it, would hold for ever.
func TestACopyThatCameLateIsNotKept(t *testing.T) {
	var c store.Copy[string]
	read := func(v string) func() (*string, error) { return func() (*string, error) { return &v, nil } }
	got, err := c.Get(func() (*string, error) {
		c.Drop()
		return read("before")()
	})
	if err != nil || *got != "before" {
		t.Fatal(got, err)
	}
	for range 2 { // the second from memory
		if got, err = c.Get(read("after")); err != nil || *got != "after" {
			t.Errorf("%v %v, want what is there after the change", *got, err)
		}
	}
	if got, _ = c.Get(read("later")); *got != "after" {
		t.Errorf("%q was read again", *got)
	}
}
