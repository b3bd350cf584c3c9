-- What happened to the safety of accounts: keys, devices, passwords and addresses. Rows are added and never changed; the newest of each
-- action stay. actor is '' for the account's owner; device, device_name and addr say where the owner did it.
CREATE TABLE security_history (
	user_id TEXT NOT NULL,
	seq BIGINT NOT NULL,
	ts BIGINT NOT NULL,
	action TEXT NOT NULL,
	actor TEXT NOT NULL,
	device TEXT NOT NULL,
	device_name TEXT NOT NULL,
	addr TEXT NOT NULL,
	subject TEXT NOT NULL,
	subject_name TEXT NOT NULL,
	PRIMARY KEY (user_id, seq)
);
CREATE INDEX security_history_action ON security_history (user_id, action, seq);
CREATE INDEX security_history_ts ON security_history (ts);
