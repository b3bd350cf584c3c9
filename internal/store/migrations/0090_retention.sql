-- Rooms and when their messages are next looked at for age (look). Messages sent before swept were removed; the last of them was at upto.
CREATE TABLE room_retention (
	room_id TEXT PRIMARY KEY,
	look BIGINT NOT NULL,
	swept BIGINT NOT NULL,
	upto BIGINT NOT NULL
);
CREATE INDEX room_retention_look ON room_retention (look);

-- How far the log has been read for rooms and what they say about the age of messages (pos), for what the organisation says (bounds), and
-- for files in events from before there were links (linked of older). One row.
CREATE TABLE retention_progress (
	one BIGINT PRIMARY KEY,
	pos BIGINT NOT NULL,
	bounds TEXT NOT NULL,
	linked BIGINT NOT NULL,
	older BIGINT NOT NULL
);
INSERT INTO retention_progress (one, pos, bounds, linked, older) SELECT 1, 0, '', 0, pos FROM stream;
CREATE INDEX event_retention ON event (pos) WHERE type IN ('m.room.create', 'm.room.retention') AND state_key IS NOT NULL;

-- What is left of messages that were removed for their age: json is the redacted form of the PDU, with which the room's chain stays whole.
CREATE TABLE pruned_event (
	pos BIGINT PRIMARY KEY,
	room_id TEXT NOT NULL,
	event_id TEXT NOT NULL,
	json BYTEA NOT NULL
);
CREATE INDEX pruned_event_room ON pruned_event (room_id, pos);
CREATE INDEX thread_subscription_root ON thread_subscription (room_id, root);

-- Which events show which files. gone is when the link is to be ended, 0 while the event stands; ground says why: erasure, retention, deletion.
-- sent is the time of the event.
CREATE TABLE media_link (
	media TEXT NOT NULL,
	event_id TEXT NOT NULL,
	room_id TEXT NOT NULL,
	sent BIGINT NOT NULL,
	gone BIGINT NOT NULL,
	ground TEXT NOT NULL,
	PRIMARY KEY (media, event_id)
);
CREATE INDEX media_link_event ON media_link (event_id);
CREATE INDEX media_link_room ON media_link (room_id);
CREATE INDEX media_link_gone ON media_link (gone) WHERE gone > 0;

-- claimed: the owner has linked the file to an event, so that it ends with its last link.
ALTER TABLE media ADD COLUMN claimed BOOLEAN NOT NULL DEFAULT FALSE;
CREATE INDEX media_uploaded ON media (uploaded, id) WHERE uploaded > 0;
CREATE INDEX profile_avatar ON profile (value) WHERE field = 'avatar_url';

ALTER TABLE room_census ADD COLUMN recorded BOOLEAN NOT NULL DEFAULT FALSE;
