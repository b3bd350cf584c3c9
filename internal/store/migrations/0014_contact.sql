-- E-mail addresses of accounts, folded. Each belongs to one account.
CREATE TABLE contact (
	address TEXT PRIMARY KEY,
	user_id TEXT NOT NULL,
	validated BIGINT NOT NULL,
	added BIGINT NOT NULL
);
CREATE INDEX contact_user ON contact (user_id);

-- Proofs under way that somebody reads an address. secret and token are SHA-256: the client has the one, the message the other.
CREATE TABLE validation (
	sid TEXT PRIMARY KEY,
	purpose TEXT NOT NULL,
	address TEXT NOT NULL,
	secret BYTEA NOT NULL,
	token BYTEA NOT NULL,
	attempt BIGINT NOT NULL,
	validated BIGINT NOT NULL,
	expires BIGINT NOT NULL
);
CREATE UNIQUE INDEX validation_request ON validation (purpose, address, secret);
CREATE INDEX validation_expires ON validation (expires);
