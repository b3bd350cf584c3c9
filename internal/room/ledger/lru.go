package ledger

import "container/list"

// lru holds values up to a total weight and forgets those that were not used for the longest time. It is not safe for concurrent use.
type lru[K comparable, V any] struct {
	max, weight int
	order       *list.List // front: used last
	index       map[K]*list.Element
	keep        func(V) bool // nil, or whether a value must not be forgotten now
}

type lruEntry[K comparable, V any] struct {
	key    K
	value  V
	weight int
}

func newLRU[K comparable, V any](limit int) *lru[K, V] {
	return &lru[K, V]{max: limit, order: list.New(), index: map[K]*list.Element{}}
}

func (l *lru[K, V]) entry(el *list.Element) *lruEntry[K, V] {
	e, _ := el.Value.(*lruEntry[K, V])
	return e
}

// get finds a value and counts that as use.
func (l *lru[K, V]) get(key K) (v V, ok bool) {
	el := l.index[key]
	if el == nil {
		return v, false
	}
	l.order.MoveToFront(el)
	return l.entry(el).value, true
}

// peek finds a value without counting that as use.
func (l *lru[K, V]) peek(key K) (v V, ok bool) {
	el := l.index[key]
	if el == nil {
		return v, false
	}
	return l.entry(el).value, true
}

// put sets a value and its weight, and makes room for it.
func (l *lru[K, V]) put(key K, v V, weight int) {
	if el := l.index[key]; el != nil {
		e := l.entry(el)
		l.weight += weight - e.weight
		e.value, e.weight = v, weight
		l.order.MoveToFront(el)
	} else {
		l.index[key] = l.order.PushFront(&lruEntry[K, V]{key, v, weight})
		l.weight += weight
	}
	l.shrink()
}

func (l *lru[K, V]) shrink() {
	for el := l.order.Back(); el != nil && l.weight > l.max && el != l.order.Front(); {
		prev := el.Prev()
		if e := l.entry(el); l.keep == nil || !l.keep(e.value) {
			l.drop(e.key)
		}
		el = prev
	}
}

func (l *lru[K, V]) drop(key K) {
	el := l.index[key]
	if el == nil {
		return
	}
	l.weight -= l.entry(el).weight
	l.order.Remove(el)
	delete(l.index, key)
}
