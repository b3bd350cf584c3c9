-- Groups of people, such as departments. found_by is the folded name and id. The members are accounts of this server.
CREATE TABLE user_group (
	group_id TEXT PRIMARY KEY,
	name TEXT NOT NULL,
	found_by TEXT NOT NULL,
	created BIGINT NOT NULL
);
CREATE TABLE user_group_member (
	group_id TEXT NOT NULL,
	user_id TEXT NOT NULL,
	added BIGINT NOT NULL,
	PRIMARY KEY (group_id, user_id)
);
CREATE INDEX user_group_member_user ON user_group_member (user_id);

-- The groups that the account of an invitation will be in: ids with spaces between.
ALTER TABLE registration_token ADD COLUMN group_ids TEXT NOT NULL DEFAULT '';
