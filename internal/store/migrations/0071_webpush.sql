-- Pushers of kind webpush count once their client has sent back the token that came by push (MSC4174). '' is no token: active.
ALTER TABLE pusher ADD COLUMN ack_token TEXT NOT NULL DEFAULT '';
ALTER TABLE pusher ADD COLUMN ack_until BIGINT NOT NULL DEFAULT 0;
