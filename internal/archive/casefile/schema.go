package casefile

// schema of a case's database. message and its index are narrow and are what searches read; record has the lines as sealed and their leaves. A message's text is
// kept for showing where a search found something; words is the index of its tokens (package query), which keeps no text of its own. Its second column has what filters ask
// for as words too: who, where, what kind. So a rare person among frequent words is found as fast as a rare word.
const schema = `
CREATE TABLE IF NOT EXISTS meta (name TEXT PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS segment (n INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, class TEXT NOT NULL, name TEXT NOT NULL, size INTEGER NOT NULL, state INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS record (seq INTEGER PRIMARY KEY, line BLOB NOT NULL, entry BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS message (
	seq INTEGER PRIMARY KEY, room INTEGER NOT NULL, person INTEGER NOT NULL, kind TEXT NOT NULL, sent INTEGER NOT NULL, event TEXT NOT NULL,
	rel INTEGER NOT NULL, target TEXT NOT NULL, text TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS named (what INTEGER NOT NULL, n INTEGER NOT NULL, name TEXT NOT NULL, folded TEXT NOT NULL, PRIMARY KEY (what, n, name)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS room (n INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, name TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS person (n INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, name TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS attachment (seq INTEGER NOT NULL, n INTEGER NOT NULL, blob TEXT NOT NULL, name TEXT NOT NULL, folded TEXT NOT NULL, type TEXT NOT NULL, PRIMARY KEY (seq, n)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS file (blob TEXT PRIMARY KEY, state INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS damage (n INTEGER PRIMARY KEY, place TEXT NOT NULL, what TEXT NOT NULL);
CREATE VIRTUAL TABLE IF NOT EXISTS words USING fts5(body, mark, content='', columnsize=0, tokenize='ascii');
CREATE INDEX IF NOT EXISTS message_event ON message (event);
CREATE INDEX IF NOT EXISTS message_target ON message (target) WHERE target <> '';
CREATE INDEX IF NOT EXISTS message_room ON message (room, seq);
CREATE INDEX IF NOT EXISTS message_sent ON message (sent);
`

// What named holds other names of.
const (
	namedRoom   = 1
	namedPerson = 2
)

// States of segments and files.
const (
	waiting = 0
	done    = 1
	gone    = 2 // the archive has no key for it any more
	damaged = 3 // the table damage says where
)

// Relations that a search tells of.
const (
	relNone    = 0
	relEdit    = 1
	relRemoval = 2
)
