-- Filters that clients have defined. filter_id is made from the content, so the same filter has one row. used is when it was last asked
-- for, to the day or so: what nobody uses any more is collected.
CREATE TABLE sync_filter (
	user_id TEXT NOT NULL,
	filter_id TEXT NOT NULL,
	json BYTEA NOT NULL,
	used BIGINT NOT NULL,
	PRIMARY KEY (user_id, filter_id)
);
CREATE INDEX sync_filter_used ON sync_filter (used);
