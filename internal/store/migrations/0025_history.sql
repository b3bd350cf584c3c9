-- Replies in threads, to list a room's threads and sum each up without reading events.
CREATE INDEX event_thread_reply ON event (room_id, relates_to, pos, sender) WHERE rel_type = 'm.thread' AND redacted_by IS NULL;

-- Redacted state, which readers of a room's state are told of.
CREATE INDEX event_redacted_state ON event (room_id) WHERE redacted_by IS NOT NULL AND state_key IS NOT NULL;

-- What search reads: the events that hold text, and the redactions that take it away.
CREATE INDEX event_searchable ON event (pos)
	WHERE type IN ('m.room.message', 'm.room.name', 'm.room.topic', 'm.room.redaction');

-- How far the log has been read for search. One row.
CREATE TABLE search_progress (
	one BIGINT PRIMARY KEY,
	pos BIGINT NOT NULL
);
INSERT INTO search_progress (one, pos) VALUES (1, 0);

-- The words of events in unencrypted rooms. word is a hash of the room and the word; kind is 1 for a message, 2 for a room's name,
-- 4 for its topic.
CREATE TABLE search_word (
	word BIGINT NOT NULL,
	pos BIGINT NOT NULL,
	kind BIGINT NOT NULL,
	PRIMARY KEY (word, pos, kind)
);
CREATE INDEX search_word_pos ON search_word (pos);

-- The directory of published rooms.
CREATE INDEX room_published ON room (room_id) WHERE published;
