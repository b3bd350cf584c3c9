-- From which position on a user's events are hidden from who joins later; 0 where the user did not ask for erasure.
ALTER TABLE account ADD COLUMN erased_at BIGINT NOT NULL DEFAULT 0;
CREATE INDEX account_erased ON account (user_id) WHERE erased_at > 0;
