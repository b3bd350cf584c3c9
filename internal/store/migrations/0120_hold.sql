-- Legal holds. custodian, room_id, since and until narrow what is held; '' and 0 do not. released is 0 while the hold is in force.
CREATE TABLE legal_hold (
	id TEXT PRIMARY KEY,
	case_number TEXT NOT NULL,
	reason TEXT NOT NULL,
	custodian TEXT NOT NULL,
	room_id TEXT NOT NULL,
	since BIGINT NOT NULL,
	until BIGINT NOT NULL,
	created BIGINT NOT NULL,
	created_by TEXT NOT NULL,
	released BIGINT NOT NULL,
	released_by TEXT NOT NULL
);
CREATE INDEX legal_hold_force ON legal_hold (created, id) WHERE released = 0;

-- What redacted events said that have to be kept all the same: json is the event as it was. look is when it is next decided whether it goes.
CREATE TABLE withheld_event (
	pos BIGINT PRIMARY KEY,
	room_id TEXT NOT NULL,
	event_id TEXT NOT NULL,
	sender TEXT NOT NULL,
	ts BIGINT NOT NULL,
	look BIGINT NOT NULL,
	json BYTEA NOT NULL
);
CREATE INDEX withheld_event_look ON withheld_event (look);
CREATE INDEX withheld_event_room ON withheld_event (room_id, ts);
CREATE INDEX withheld_event_sender ON withheld_event (sender, pos);

-- held: the events of the room stay until a hold is released.
ALTER TABLE room_deletion ADD COLUMN held BOOLEAN NOT NULL DEFAULT FALSE;

-- Accounts of which something is still to be removed. personal: what they stored; messages: what they sent and uploaded. kept is, as JSON, what
-- their profile and addresses were while a hold keeps it. look is when there is next something to be done; removed counts messages that went.
CREATE TABLE erasure (
	user_id TEXT PRIMARY KEY,
	requested BIGINT NOT NULL,
	personal BOOLEAN NOT NULL,
	messages BOOLEAN NOT NULL,
	kept BYTEA NOT NULL,
	look BIGINT NOT NULL,
	removed BIGINT NOT NULL
);
CREATE INDEX erasure_look ON erasure (look);
