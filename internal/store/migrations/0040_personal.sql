-- Account data; room_id is '' for global data. deleted is when it was deleted, 0 while it is there: a deleted row tells clients once
-- more, with empty content, and is collected later.
CREATE TABLE account_data (
	user_id TEXT NOT NULL,
	room_id TEXT NOT NULL,
	type TEXT NOT NULL,
	pos BIGINT NOT NULL,
	deleted BIGINT NOT NULL,
	json BYTEA NOT NULL,
	PRIMARY KEY (user_id, room_id, type)
);
CREATE INDEX account_data_pos ON account_data (user_id, pos);
CREATE INDEX account_data_deleted ON account_data (deleted) WHERE deleted > 0;

-- The last receipt of each user, type and thread in a room; thread is '' for unthreaded ones. event_pos is the event's position:
-- receipts move forward only.
CREATE TABLE receipt (
	room_id TEXT NOT NULL,
	user_id TEXT NOT NULL,
	type TEXT NOT NULL,
	thread TEXT NOT NULL,
	event_id TEXT NOT NULL,
	event_pos BIGINT NOT NULL,
	ts BIGINT NOT NULL,
	pos BIGINT NOT NULL,
	PRIMARY KEY (room_id, user_id, type, thread)
);
CREATE INDEX receipt_pos ON receipt (room_id, pos);
CREATE INDEX receipt_user ON receipt (user_id, room_id);
