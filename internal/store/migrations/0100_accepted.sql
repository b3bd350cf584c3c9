-- What was accepted in recorded rooms: seq counts a room's events from 1 without gaps. archived is whether the recorder is known to have the event.
CREATE TABLE accepted_event (
	room_id TEXT NOT NULL,
	seq BIGINT NOT NULL,
	event_id TEXT NOT NULL,
	archived BOOLEAN NOT NULL,
	PRIMARY KEY (room_id, seq)
);
CREATE INDEX accepted_event_open ON accepted_event (room_id, seq) WHERE NOT archived;

-- The last checkpoint of each log that this server has signed as its witness.
CREATE TABLE witnessed (
	origin TEXT PRIMARY KEY,
	size BIGINT NOT NULL,
	root BYTEA NOT NULL
);
