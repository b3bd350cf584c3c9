-- What lists of accounts show and find. found_by is the folded name, id and addresses, a line each; '' until it is filled in. seen is the
-- last request of any device, also of those that are gone.
ALTER TABLE account ADD COLUMN display TEXT NOT NULL DEFAULT '';
ALTER TABLE account ADD COLUMN found_by TEXT NOT NULL DEFAULT '';
ALTER TABLE account ADD COLUMN seen BIGINT NOT NULL DEFAULT 0;
UPDATE account SET seen = COALESCE((SELECT max(d.seen) FROM device d WHERE d.user_id = account.user_id), 0);
CREATE INDEX account_seen ON account (seen);

-- Access and refresh tokens of devices that were removed, by their SHA-256, and when: their clients are told to erase what they keep.
CREATE TABLE revoked_token (
	token BYTEA PRIMARY KEY,
	ts BIGINT NOT NULL
);
CREATE INDEX revoked_token_ts ON revoked_token (ts);

-- Registration tokens that are invitations of one person: what the account will have, who invited, and who accepted when. user_name is
-- '' where the person chooses.
ALTER TABLE registration_token ADD COLUMN personal BOOLEAN NOT NULL DEFAULT FALSE;
ALTER TABLE registration_token ADD COLUMN user_name TEXT NOT NULL DEFAULT '';
ALTER TABLE registration_token ADD COLUMN display TEXT NOT NULL DEFAULT '';
ALTER TABLE registration_token ADD COLUMN address TEXT NOT NULL DEFAULT '';
ALTER TABLE registration_token ADD COLUMN admin BOOLEAN NOT NULL DEFAULT FALSE;
ALTER TABLE registration_token ADD COLUMN inviter TEXT NOT NULL DEFAULT '';
ALTER TABLE registration_token ADD COLUMN accepted_by TEXT NOT NULL DEFAULT '';
ALTER TABLE registration_token ADD COLUMN accepted BIGINT NOT NULL DEFAULT 0;
CREATE INDEX registration_token_personal ON registration_token (expires) WHERE personal;
