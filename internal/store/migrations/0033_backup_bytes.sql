-- What the keys of a backup take, so that a quota need not read them: the sum of the lengths of session_data.
ALTER TABLE backup_version ADD COLUMN bytes BIGINT NOT NULL DEFAULT 0;
UPDATE backup_version SET bytes = (SELECT coalesce(sum(length(session_data)), 0) FROM backup_key
	WHERE backup_key.user_id = backup_version.user_id AND backup_key.version = backup_version.version);
