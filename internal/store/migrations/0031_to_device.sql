-- Messages that wait for a device. json is the event as the device gets it.
CREATE TABLE to_device (
	user_id TEXT NOT NULL,
	device_id TEXT NOT NULL,
	pos BIGINT NOT NULL,
	ts BIGINT NOT NULL,
	json BYTEA NOT NULL,
	PRIMARY KEY (user_id, device_id, pos)
);
CREATE INDEX to_device_ts ON to_device (ts);

-- Requests to send that were carried out, so that sending one again changes nothing. Old rows are collected.
CREATE TABLE to_device_txn (
	user_id TEXT NOT NULL,
	device_id TEXT NOT NULL,
	type TEXT NOT NULL,
	txn_id TEXT NOT NULL,
	ts BIGINT NOT NULL,
	PRIMARY KEY (user_id, device_id, type, txn_id)
);
CREATE INDEX to_device_txn_ts ON to_device_txn (ts);

-- The device that a user left with the server to collect messages while no other device is there. At most one each.
CREATE TABLE dehydrated_device (
	user_id TEXT PRIMARY KEY,
	device_id TEXT NOT NULL,
	display_name TEXT NOT NULL,
	json BYTEA NOT NULL
);
