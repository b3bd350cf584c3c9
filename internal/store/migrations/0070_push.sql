-- Where notifications go: one row for each application on each of a user's devices. done_pos is how far its gateway has been told.
CREATE TABLE pusher (
	user_id TEXT NOT NULL,
	app_id TEXT NOT NULL,
	pushkey TEXT NOT NULL,
	device_id TEXT NOT NULL,
	kind TEXT NOT NULL,
	app_name TEXT NOT NULL,
	device_name TEXT NOT NULL,
	profile_tag TEXT NOT NULL,
	lang TEXT NOT NULL,
	url TEXT NOT NULL,
	data BYTEA NOT NULL,
	created_ts BIGINT NOT NULL,
	done_pos BIGINT NOT NULL,
	PRIMARY KEY (user_id, app_id, pushkey)
);

-- Unread notifications as counted up to a position, so that counting need not begin at the user's join after a restart. A copy of what
-- can be counted again. marks is described in package push.
CREATE TABLE unread (
	user_id TEXT NOT NULL,
	room_id TEXT NOT NULL,
	pos BIGINT NOT NULL,
	joined_pos BIGINT NOT NULL,
	marks BYTEA NOT NULL,
	PRIMARY KEY (user_id, room_id)
);

-- Work that one node at a time does, and until when it may.
CREATE TABLE lease (
	name TEXT PRIMARY KEY,
	holder TEXT NOT NULL,
	until BIGINT NOT NULL
);
