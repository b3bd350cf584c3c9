-- What administrators have set at run time, as one JSON object in one row; version counts the changes. No row is version 0.
CREATE TABLE settings (
	one BIGINT PRIMARY KEY,
	version BIGINT NOT NULL,
	json BYTEA NOT NULL
);
