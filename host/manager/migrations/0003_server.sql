-- What the server needs: who may enrol and join by network, who operates, and its
-- certificates. Any process that has the key file serves any of it.

ALTER TABLE manager ADD COLUMN nonce_key BLOB;      -- under the key file; NULL before the first nonce
-- Grows when a member may need a new package for another reason than that it asked.
ALTER TABLE manager ADD COLUMN revision BIGINT NOT NULL DEFAULT 0;

ALTER TABLE device ADD COLUMN subscriber TEXT;      -- whose token it enrolled with
ALTER TABLE device ADD COLUMN nonce_until BIGINT;   -- when the nonce of its newest proof ends
-- Of its newest statement, for who looks for alarms; NULL until there is one since.
ALTER TABLE device ADD COLUMN is_foreign BIGINT;
ALTER TABLE device ADD COLUMN floor BIGINT;
CREATE INDEX device_subscriber ON device (subscriber);
CREATE INDEX device_alarm ON device (device) WHERE rolled_back <> 0 OR is_foreign <> 0;
CREATE INDEX device_floor ON device (floor);

ALTER TABLE prose_group ADD COLUMN joining TEXT NOT NULL DEFAULT 'listed';  -- or 'approved'

-- Who may join a group by himself, beside those whom its rule lets in.
CREATE TABLE permit (
    prose_group BIGINT NOT NULL REFERENCES prose_group (prose_group),
    subscriber TEXT NOT NULL,
    member BIGINT,                      -- 24 bits; NULL is any that is free
    may_send BIGINT NOT NULL,
    PRIMARY KEY (prose_group, subscriber)
);

-- Who was taken out of a group: it comes back by an operator's word only.
CREATE TABLE barred (
    prose_group BIGINT NOT NULL REFERENCES prose_group (prose_group),
    device BLOB NOT NULL REFERENCES device (device),
    PRIMARY KEY (prose_group, device)
);

-- One-time tokens; the tokens themselves are in nobody's database.
CREATE TABLE invitation (
    token_digest BLOB NOT NULL PRIMARY KEY,
    subscriber TEXT NOT NULL,
    expected BLOB,                      -- the device that it is for, approved with it; NULL is any
    expires_at BIGINT NOT NULL,
    used_by BLOB,                       -- the device; NULL while it is good
    made_at BIGINT NOT NULL
);
CREATE INDEX invitation_expires ON invitation (expires_at);

-- Nonces that were used, until they would be refused for their age.
CREATE TABLE used_nonce (
    nonce BLOB NOT NULL PRIMARY KEY,
    expires_at BIGINT NOT NULL
);
CREATE INDEX used_nonce_expires ON used_nonce (expires_at);

CREATE TABLE operator (
    name TEXT NOT NULL PRIMARY KEY,
    operator_role TEXT NOT NULL CHECK (operator_role IN ('viewer', 'operator')),
    password_hash TEXT NOT NULL,        -- argon2id, in its own form
    made_at BIGINT NOT NULL
);

CREATE TABLE session (
    token_digest BLOB NOT NULL PRIMARY KEY,
    operator TEXT NOT NULL REFERENCES operator (name),
    expires_at BIGINT NOT NULL
);
CREATE INDEX session_operator ON session (operator);
CREATE INDEX session_expires ON session (expires_at);

-- The certificate authority of the servers: its key stays, its certificate is renewed.
CREATE TABLE authority (
    number BIGINT NOT NULL PRIMARY KEY,
    certificate BLOB NOT NULL,          -- X.509, DER
    sealed_key BLOB NOT NULL,           -- PKCS #8, under the key file
    expires_at BIGINT NOT NULL
);
