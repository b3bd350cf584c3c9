-- Which threads a user follows. A row stays once the user has stopped following: pos, the position of the last change, then says which
-- messages may not make a client follow again by itself.
CREATE TABLE thread_subscription (
	user_id TEXT NOT NULL,
	room_id TEXT NOT NULL,
	root TEXT NOT NULL,
	subscribed BOOLEAN NOT NULL,
	automatic BOOLEAN NOT NULL,
	pos BIGINT NOT NULL,
	PRIMARY KEY (user_id, room_id, root)
);
CREATE INDEX thread_subscription_pos ON thread_subscription (user_id, pos);
