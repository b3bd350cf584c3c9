-- A room and its head: the last event, which the next one is appended to by compare and swap.
CREATE TABLE room (
	room_id TEXT PRIMARY KEY,
	version TEXT NOT NULL,
	creator TEXT NOT NULL,
	created_ts BIGINT NOT NULL,
	head_pos BIGINT NOT NULL,
	head_event TEXT NOT NULL,
	depth BIGINT NOT NULL,
	published BOOLEAN NOT NULL
);

-- The event log of all rooms. json is the PDU in canonical form; a redaction replaces it by its redacted form.
-- relates_to and rel_type repeat content.m.relates_to; thread is the root of the thread that the event is in.
-- replaces is the state event that had the same place in the room's state until this one came.
-- txn_device and txn_id name the request that made the event, for the sender's own device.
CREATE TABLE event (
	pos BIGINT PRIMARY KEY,
	room_id TEXT NOT NULL,
	event_id TEXT NOT NULL,
	version TEXT NOT NULL,
	sender TEXT NOT NULL,
	type TEXT NOT NULL,
	state_key TEXT,
	ts BIGINT NOT NULL,
	relates_to TEXT,
	rel_type TEXT,
	thread TEXT,
	replaces TEXT,
	redacted_by TEXT,
	txn_device TEXT,
	txn_id TEXT,
	json BYTEA NOT NULL
);
CREATE UNIQUE INDEX event_id ON event (event_id);
CREATE UNIQUE INDEX event_room ON event (room_id, pos);
CREATE INDEX event_state ON event (room_id, type, state_key, pos) WHERE state_key IS NOT NULL;
CREATE INDEX event_member ON event (state_key, pos) WHERE type = 'm.room.member';
CREATE INDEX event_relation ON event (relates_to, pos) WHERE relates_to IS NOT NULL;
CREATE INDEX event_thread ON event (room_id, thread, pos) WHERE thread IS NOT NULL;
CREATE INDEX event_ts ON event (room_id, ts);

-- The current membership of each user in each room.
CREATE TABLE membership (
	user_id TEXT NOT NULL,
	room_id TEXT NOT NULL,
	membership TEXT NOT NULL,
	pos BIGINT NOT NULL,
	event_id TEXT NOT NULL,
	sender TEXT NOT NULL,
	forgotten BOOLEAN NOT NULL,
	PRIMARY KEY (user_id, room_id)
);
CREATE INDEX membership_room ON membership (room_id, membership);

-- Requests that were carried out, so that sending one again changes nothing. Old rows are collected.
CREATE TABLE room_txn (
	user_id TEXT NOT NULL,
	device_id TEXT NOT NULL,
	request TEXT NOT NULL,
	txn_id TEXT NOT NULL,
	event_id TEXT NOT NULL,
	ts BIGINT NOT NULL,
	PRIMARY KEY (user_id, device_id, request, txn_id)
);
CREATE INDEX room_txn_ts ON room_txn (ts);

CREATE TABLE room_alias (
	alias TEXT PRIMARY KEY,
	room_id TEXT NOT NULL,
	creator TEXT NOT NULL,
	created_ts BIGINT NOT NULL
);
CREATE INDEX room_alias_room ON room_alias (room_id);
