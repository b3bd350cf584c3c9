-- The room in which the server sends notices to a user.
CREATE TABLE server_notice (
	user_id TEXT PRIMARY KEY,
	room_id TEXT NOT NULL
);
