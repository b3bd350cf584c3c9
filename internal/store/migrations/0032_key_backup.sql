-- Versions of key backups. keys is the number of rows in backup_key; etag counts changes to them.
CREATE TABLE backup_version (
	user_id TEXT NOT NULL,
	version BIGINT NOT NULL,
	algorithm TEXT NOT NULL,
	auth_data BYTEA NOT NULL,
	keys BIGINT NOT NULL,
	etag BIGINT NOT NULL,
	PRIMARY KEY (user_id, version)
);

-- The last version number that a user's backups have used, deleted ones included.
CREATE TABLE backup_counter (
	user_id TEXT PRIMARY KEY,
	version BIGINT NOT NULL
);

CREATE TABLE backup_key (
	user_id TEXT NOT NULL,
	version BIGINT NOT NULL,
	room_id TEXT NOT NULL,
	session_id TEXT NOT NULL,
	is_verified BOOLEAN NOT NULL,
	first_message_index BIGINT NOT NULL,
	forwarded_count BIGINT NOT NULL,
	session_data BYTEA NOT NULL,
	PRIMARY KEY (user_id, version, room_id, session_id)
);
