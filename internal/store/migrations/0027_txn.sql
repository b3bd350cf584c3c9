-- Requests that were carried out, so that sending one again changes nothing, now by a number that stands for all that names one: as text
-- the names took more of the disk, and of the time of a commit, than the events. Old rows are collected.
DROP TABLE room_txn;
CREATE TABLE room_txn (
	txn BIGINT PRIMARY KEY,
	event_id TEXT NOT NULL,
	ts BIGINT NOT NULL
);
CREATE INDEX room_txn_ts ON room_txn (ts);
