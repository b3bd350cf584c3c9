-- The counter that every syncable write takes its position from. One row.
CREATE TABLE stream (
	one BIGINT PRIMARY KEY,
	pos BIGINT NOT NULL
);
INSERT INTO stream (one, pos) VALUES (1, 0);
