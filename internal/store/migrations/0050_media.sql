-- Files that users uploaded or announced, and pictures of page previews. uploaded is 0 until the content is there. expires is when
-- the row goes away: an announced file that nobody uploaded, a preview's picture; 0 is never. owner is '' for pictures of previews.
-- blob is '' for empty content.
CREATE TABLE media (
	id TEXT PRIMARY KEY,
	owner TEXT NOT NULL,
	created BIGINT NOT NULL,
	uploaded BIGINT NOT NULL,
	expires BIGINT NOT NULL,
	size BIGINT NOT NULL,
	type TEXT NOT NULL,
	name TEXT NOT NULL,
	blob TEXT NOT NULL
);
CREATE INDEX media_pending ON media (owner) WHERE uploaded = 0;
CREATE INDEX media_expires ON media (expires) WHERE expires > 0;

-- What each user's files take: the sum over media with that owner and content.
CREATE TABLE media_usage (
	owner TEXT PRIMARY KEY,
	files BIGINT NOT NULL,
	bytes BIGINT NOT NULL
);

-- Thumbnails that were made. kind names size, method and whether it moves.
CREATE TABLE media_thumbnail (
	media TEXT NOT NULL,
	kind TEXT NOT NULL,
	created BIGINT NOT NULL,
	size BIGINT NOT NULL,
	type TEXT NOT NULL,
	blob TEXT NOT NULL,
	PRIMARY KEY (media, kind)
);
CREATE INDEX media_thumbnail_created ON media_thumbnail (created);

-- Blobs that no row above names: one that is being written (since then), or one that is to be deleted (doomed).
CREATE TABLE media_stray (
	blob TEXT PRIMARY KEY,
	since BIGINT NOT NULL,
	doomed BOOLEAN NOT NULL
);
CREATE INDEX media_stray_since ON media_stray (since);

-- Page previews by the hash of the address. body is the answer as JSON; empty if the page could not be read.
CREATE TABLE media_preview (
	page BYTEA PRIMARY KEY,
	fetched BIGINT NOT NULL,
	expires BIGINT NOT NULL,
	body BYTEA NOT NULL
);
CREATE INDEX media_preview_expires ON media_preview (expires);
