-- Short-lived secrets, by their SHA-256: login tokens, OpenID tokens and the nonces of shared-secret registration.
CREATE TABLE ticket (
	kind TEXT NOT NULL,
	token BYTEA NOT NULL,
	user_id TEXT NOT NULL,
	expires BIGINT NOT NULL,
	PRIMARY KEY (kind, token)
);
CREATE INDEX ticket_expires ON ticket (expires);

-- User-interactive authentication under way. body is the hash of the request that it belongs to.
CREATE TABLE uia (
	token BYTEA PRIMARY KEY,
	user_id TEXT NOT NULL,
	action TEXT NOT NULL,
	body BYTEA NOT NULL,
	done TEXT NOT NULL,
	invitation BYTEA NOT NULL,
	expires BIGINT NOT NULL
);
CREATE INDEX uia_expires ON uia (expires);

-- Registration tokens, by their SHA-256. allowed 0 means any number of uses, expires 0 means never.
CREATE TABLE registration_token (
	token BYTEA PRIMARY KEY,
	name TEXT NOT NULL,
	created BIGINT NOT NULL,
	allowed BIGINT NOT NULL,
	used BIGINT NOT NULL,
	expires BIGINT NOT NULL
);
CREATE UNIQUE INDEX registration_token_name ON registration_token (name);
