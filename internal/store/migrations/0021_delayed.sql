-- Events that are to be sent later. finalised_ts is set once one was sent (event_id), was cancelled, or failed (error_code);
-- such rows stay for a while, so that repeated requests get the same answer.
CREATE TABLE delayed_event (
	delay_id TEXT PRIMARY KEY,
	user_id TEXT NOT NULL,
	device_id TEXT NOT NULL,
	room_id TEXT NOT NULL,
	type TEXT NOT NULL,
	state_key TEXT,
	content BYTEA NOT NULL,
	delay_ms BIGINT NOT NULL,
	scheduled_at BIGINT NOT NULL,
	due BIGINT NOT NULL,
	request TEXT NOT NULL,
	txn_id TEXT,
	finalised_ts BIGINT,
	event_id TEXT,
	error_code TEXT,
	error TEXT
);
CREATE INDEX delayed_event_due ON delayed_event (due) WHERE finalised_ts IS NULL;
CREATE INDEX delayed_event_user ON delayed_event (user_id, due);
CREATE UNIQUE INDEX delayed_event_txn ON delayed_event (user_id, device_id, request, txn_id) WHERE txn_id IS NOT NULL;
CREATE INDEX delayed_event_finalised ON delayed_event (finalised_ts) WHERE finalised_ts IS NOT NULL;
