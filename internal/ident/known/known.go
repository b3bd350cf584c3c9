// Package known remembers, in bounded memory, what access tokens stand for, so that not every request asks the database. It owns no rule of its
// own: who put something in says how long it is believed, and what is put in from before a Forget is not taken.
package known

import (
	"crypto/sha256"
	"sync"

	"conclave.chat/internal/mx"
)

// Token is the hash of a token.
type Token [sha256.Size]byte

type entry[V any] struct {
	user  mx.UserID
	value V
}

// Tokens are the tokens that were used recently.
type Tokens[V any] struct {
	mu     sync.RWMutex
	tokens map[Token]entry[V]
	users  map[mx.UserID][]Token
	epoch  uint64 // counts what was forgotten, so that a read from before is not remembered after
	limit  int
}

// New makes room for so many tokens.
func New[V any](limit int) *Tokens[V] {
	return &Tokens[V]{tokens: map[Token]entry[V]{}, users: map[mx.UserID][]Token{}, limit: limit}
}

// Get gives what a token stands for.
func (c *Tokens[V]) Get(t Token) (V, bool) {
	c.mu.RLock()
	e, ok := c.tokens[t]
	c.mu.RUnlock()
	return e.value, ok
}

// Start is to be called before what is Put is read.
func (c *Tokens[V]) Start() uint64 {
	c.mu.RLock()
	defer c.mu.RUnlock()
	return c.epoch
}

// Put remembers a token of a user, unless something was forgotten since Start.
func (c *Tokens[V]) Put(t Token, user mx.UserID, v V, epoch uint64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.epoch != epoch {
		return
	}
	if _, known := c.tokens[t]; !known {
		for victim := range c.tokens { // the order of a map is as good as any
			if len(c.tokens) < c.limit {
				break
			}
			c.drop(victim)
		}
		c.users[user] = append(c.users[user], t)
	}
	c.tokens[t] = entry[V]{user, v}
}

func (c *Tokens[V]) drop(t Token) {
	user := c.tokens[t].user
	delete(c.tokens, t)
	list := c.users[user]
	for i, o := range list {
		if o == t {
			list[i] = list[len(list)-1]
			list = list[:len(list)-1]
			break
		}
	}
	if len(list) == 0 {
		delete(c.users, user)
	} else {
		c.users[user] = list
	}
}

// Forget forgets all tokens of a user.
func (c *Tokens[V]) Forget(user mx.UserID) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.epoch++
	for _, t := range c.users[user] {
		delete(c.tokens, t)
	}
	delete(c.users, user)
}

// ForgetAll forgets everything.
func (c *Tokens[V]) ForgetAll() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.epoch++
	clear(c.tokens)
	clear(c.users)
}
