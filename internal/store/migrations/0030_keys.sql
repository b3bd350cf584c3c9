-- Identity keys of devices: canonical JSON without signatures, which are in key_signature.
CREATE TABLE device_key (
	user_id TEXT NOT NULL,
	device_id TEXT NOT NULL,
	json BYTEA NOT NULL,
	PRIMARY KEY (user_id, device_id)
);

-- One-time keys in upload order. A claimed key stays for a while, so that an upload sent again does not bring it back.
CREATE TABLE one_time_key (
	user_id TEXT NOT NULL,
	device_id TEXT NOT NULL,
	algorithm TEXT NOT NULL,
	key_id TEXT NOT NULL,
	pos BIGINT NOT NULL,
	claimed BOOLEAN NOT NULL,
	json BYTEA NOT NULL,
	PRIMARY KEY (user_id, device_id, algorithm, key_id)
);
CREATE INDEX one_time_key_order ON one_time_key (user_id, device_id, claimed, algorithm, pos);

CREATE TABLE fallback_key (
	user_id TEXT NOT NULL,
	device_id TEXT NOT NULL,
	algorithm TEXT NOT NULL,
	key_id TEXT NOT NULL,
	used BOOLEAN NOT NULL,
	json BYTEA NOT NULL,
	PRIMARY KEY (user_id, device_id, algorithm)
);

-- Cross-signing keys; purpose is master, self_signing or user_signing. public_key is the unpadded base64 that names the key.
-- json is canonical and without signatures.
CREATE TABLE cross_signing_key (
	user_id TEXT NOT NULL,
	purpose TEXT NOT NULL,
	public_key TEXT NOT NULL,
	json BYTEA NOT NULL,
	PRIMARY KEY (user_id, purpose)
);

-- Signatures on keys. target is a device id or the public key of a cross-signing key.
CREATE TABLE key_signature (
	user_id TEXT NOT NULL,
	target TEXT NOT NULL,
	signer TEXT NOT NULL,
	signer_key TEXT NOT NULL,
	signature TEXT NOT NULL,
	PRIMARY KEY (user_id, target, signer, signer_key)
);
CREATE INDEX key_signature_signer ON key_signature (signer, signer_key);

-- When a user's devices or cross-signing keys changed last.
CREATE TABLE device_list (
	user_id TEXT PRIMARY KEY,
	pos BIGINT NOT NULL
);
CREATE INDEX device_list_pos ON device_list (pos);

-- When a viewer last signed another user's keys: only the viewer sees those keys change.
CREATE TABLE device_list_private (
	viewer TEXT NOT NULL,
	user_id TEXT NOT NULL,
	pos BIGINT NOT NULL,
	PRIMARY KEY (viewer, user_id)
);
CREATE INDEX device_list_private_pos ON device_list_private (viewer, pos);
