-- Profile fields as JSON values.
CREATE TABLE profile (
	user_id TEXT NOT NULL,
	field TEXT NOT NULL,
	value BYTEA NOT NULL,
	PRIMARY KEY (user_id, field)
);

-- The words under which the user directory finds somebody, folded; bytes, so that both engines order them alike.
CREATE TABLE directory_word (
	word BYTEA NOT NULL,
	user_id TEXT NOT NULL,
	PRIMARY KEY (word, user_id)
);
CREATE INDEX directory_word_user ON directory_word (user_id);
