-- What lists of rooms show, as read from the log of events so far (census_progress). bytes are those of the events as they were sent. orphaned:
-- people are in the room and none may change its power levels. deleted: an administrator deleted it.
CREATE TABLE room_census (
	room_id TEXT PRIMARY KEY,
	name TEXT NOT NULL,
	alias TEXT NOT NULL,
	found_by TEXT NOT NULL,
	encrypted BOOLEAN NOT NULL,
	space BOOLEAN NOT NULL,
	public BOOLEAN NOT NULL,
	orphaned BOOLEAN NOT NULL,
	deleted BOOLEAN NOT NULL,
	events BIGINT NOT NULL,
	bytes BIGINT NOT NULL,
	last_ts BIGINT NOT NULL
);

-- Messages by day (days since 1970, UTC).
CREATE TABLE daily (
	day BIGINT PRIMARY KEY,
	messages BIGINT NOT NULL,
	events BIGINT NOT NULL
);

-- How far the log has been read for the two tables above. One row.
CREATE TABLE census_progress (
	one BIGINT PRIMARY KEY,
	pos BIGINT NOT NULL
);
INSERT INTO census_progress (one, pos) VALUES (1, 0);

-- Rooms in which nothing may happen any more but leaving.
CREATE TABLE blocked_room (
	room_id TEXT PRIMARY KEY,
	actor TEXT NOT NULL,
	ts BIGINT NOT NULL
);

-- Deletions of rooms, under way and done. phase: leaving, purging, done. gone counts members that were made to leave of members; purged
-- counts events that were removed of events.
CREATE TABLE room_deletion (
	id TEXT PRIMARY KEY,
	room_id TEXT NOT NULL,
	name TEXT NOT NULL,
	actor TEXT NOT NULL,
	phase TEXT NOT NULL,
	requested BIGINT NOT NULL,
	finished BIGINT NOT NULL,
	members BIGINT NOT NULL,
	gone BIGINT NOT NULL,
	events BIGINT NOT NULL,
	purged BIGINT NOT NULL
);
CREATE INDEX room_deletion_room ON room_deletion (room_id);
CREATE INDEX room_deletion_open ON room_deletion (requested) WHERE finished = 0;
