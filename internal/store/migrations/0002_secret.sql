-- Secrets of the installation, each sealed with the master key, and facts that must not change under a running installation.
CREATE TABLE secret (
	name TEXT PRIMARY KEY,
	sealed BYTEA NOT NULL
);
CREATE TABLE fact (
	name TEXT PRIMARY KEY,
	value TEXT NOT NULL
);
