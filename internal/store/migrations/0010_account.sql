-- Accounts of this server. A deactivated account keeps its row, so that nobody else ever gets its name.
CREATE TABLE account (
	user_id TEXT PRIMARY KEY,
	password TEXT NOT NULL,
	created BIGINT NOT NULL,
	admin BOOLEAN NOT NULL,
	locked BOOLEAN NOT NULL,
	suspended BOOLEAN NOT NULL,
	deactivated BOOLEAN NOT NULL,
	erased BOOLEAN NOT NULL,
	leaving BOOLEAN NOT NULL
);
CREATE INDEX account_leaving ON account (user_id) WHERE leaving;

-- Devices outlive their access tokens: after a soft logout the client comes back to the same device.
CREATE TABLE device (
	user_id TEXT NOT NULL,
	device_id TEXT NOT NULL,
	display_name TEXT NOT NULL,
	created BIGINT NOT NULL,
	seen BIGINT NOT NULL,
	addr TEXT NOT NULL,
	agent TEXT NOT NULL,
	PRIMARY KEY (user_id, device_id)
);
CREATE INDEX device_seen ON device (seen);

-- Access tokens, by their SHA-256. A session keeps its id through refreshes; each refresh adds a row with the next step, and the
-- first use of a row removes the others of its session.
CREATE TABLE session (
	token BYTEA PRIMARY KEY,
	id BIGINT NOT NULL,
	step BIGINT NOT NULL,
	user_id TEXT NOT NULL,
	device_id TEXT NOT NULL,
	refresh BYTEA,
	confirmed BOOLEAN NOT NULL,
	expires BIGINT NOT NULL
);
CREATE UNIQUE INDEX session_refresh ON session (refresh);
CREATE INDEX session_id ON session (id);
CREATE INDEX session_device ON session (user_id, device_id);
CREATE INDEX session_expires ON session (expires);
