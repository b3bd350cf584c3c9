-- What users reported to the administrators: an event, a room or a user. A second report of the same thing by the same user
-- replaces the first. The columns that a kind does not need are empty.
CREATE TABLE report (
	id BIGINT PRIMARY KEY,
	kind TEXT NOT NULL,
	reporter TEXT NOT NULL,
	room_id TEXT NOT NULL,
	event_id TEXT NOT NULL,
	user_id TEXT NOT NULL,
	reason TEXT NOT NULL,
	ts BIGINT NOT NULL
);
CREATE UNIQUE INDEX report_target ON report (reporter, kind, room_id, event_id, user_id);
