-- What administrators did, in order. Rows are added and never changed: hash covers the row with prev, which is the hash of the row
-- before it. was and became are JSON, empty where there is nothing to say. Package auditlog describes what is hashed.
CREATE TABLE audit (
	seq BIGINT PRIMARY KEY,
	ts BIGINT NOT NULL,
	actor TEXT NOT NULL,
	device TEXT NOT NULL,
	addr TEXT NOT NULL,
	action TEXT NOT NULL,
	target TEXT NOT NULL,
	was BYTEA NOT NULL,
	became BYTEA NOT NULL,
	prev BYTEA NOT NULL,
	hash BYTEA NOT NULL
);
CREATE INDEX audit_ts ON audit (ts);
CREATE INDEX audit_actor ON audit (actor, seq);
CREATE INDEX audit_target ON audit (target, seq);
