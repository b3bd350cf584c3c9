-- What people removed or replaced of their key backups and recovery keys while a legal hold keeps it: removed is when. One thing can be there more than once.
CREATE TABLE withheld_backup (
	user_id TEXT NOT NULL,
	version BIGINT NOT NULL,
	algorithm TEXT NOT NULL,
	auth_data BYTEA NOT NULL,
	removed BIGINT NOT NULL
);
CREATE INDEX withheld_backup_user ON withheld_backup (user_id, version);

CREATE TABLE withheld_backup_key (
	user_id TEXT NOT NULL,
	version BIGINT NOT NULL,
	room_id TEXT NOT NULL,
	session_id TEXT NOT NULL,
	is_verified BOOLEAN NOT NULL,
	first_message_index BIGINT NOT NULL,
	forwarded_count BIGINT NOT NULL,
	session_data BYTEA NOT NULL,
	removed BIGINT NOT NULL
);
CREATE INDEX withheld_backup_key_user ON withheld_backup_key (user_id, version, room_id, session_id);

CREATE TABLE withheld_secret (
	user_id TEXT NOT NULL,
	type TEXT NOT NULL,
	content BYTEA NOT NULL,
	removed BIGINT NOT NULL
);
CREATE INDEX withheld_secret_user ON withheld_secret (user_id, type);

-- Whom the three are of. look is when it is next decided whether they go.
CREATE TABLE withheld_person (
	user_id TEXT PRIMARY KEY,
	look BIGINT NOT NULL
);
CREATE INDEX withheld_person_look ON withheld_person (look);

-- Files by person, for erasures and exports.
CREATE INDEX media_owner ON media (owner, uploaded, id) WHERE uploaded > 0;
