-- For SQLite and PostgreSQL alike; the one word that PostgreSQL has otherwise is
-- BLOB (BYTEA). Numbers are BIGINT, truth is 0 or 1, times are seconds since 1970 UTC.

CREATE TABLE manager (
    id BIGINT NOT NULL PRIMARY KEY CHECK (id = 1),
    manager BLOB NOT NULL,              -- 16 octets
    root_key BLOB NOT NULL,             -- public, 32 octets
    newest_change BIGINT NOT NULL       -- what the clock is compared with
);

CREATE TABLE signer (
    version BIGINT NOT NULL PRIMARY KEY,
    delegation BLOB NOT NULL,
    sealed_key BLOB                     -- under the key file; NULL once it is replaced
);

CREATE TABLE device (
    device BLOB NOT NULL PRIMARY KEY,   -- 16 octets
    name TEXT UNIQUE,
    standing TEXT NOT NULL CHECK (standing IN ('pending', 'approved', 'lost')),
    statement BLOB NOT NULL,            -- the newest one that was imported
    stated_at BIGINT NOT NULL,
    sequence_seen BIGINT NOT NULL,      -- the highest that a statement has said
    sequence_given BIGINT NOT NULL,     -- the last that was allocated
    rolled_back BIGINT NOT NULL         -- a statement had an older sequence
);

-- Every package that was ever made, so that no sequence has two contents.
CREATE TABLE package (
    device BLOB NOT NULL REFERENCES device (device),
    sequence BIGINT NOT NULL,
    version BIGINT NOT NULL REFERENCES signer (version),
    wanted BLOB NOT NULL,               -- digest of what it was to say
    digest BLOB NOT NULL,
    octets BLOB NOT NULL,
    made_at BIGINT NOT NULL,
    PRIMARY KEY (device, sequence)
);

CREATE TABLE prose_group (
    prose_group BIGINT NOT NULL PRIMARY KEY,    -- 24 bits
    name TEXT UNIQUE,
    profile BIGINT NOT NULL,
    suite BIGINT NOT NULL,
    label TEXT NOT NULL,
    lifetime_s BIGINT NOT NULL,
    overlap_s BIGINT NOT NULL,
    receive_grace_s BIGINT NOT NULL,
    send_grace_s BIGINT NOT NULL,
    max_unsynced_s BIGINT NOT NULL,
    epoch_s BIGINT NOT NULL,
    epoch_packets BIGINT NOT NULL,
    accept_rollback BIGINT NOT NULL,
    ahead BIGINT NOT NULL,              -- future generations that members hold
    next BIGINT NOT NULL,               -- what is below is ended
    last BIGINT NOT NULL,               -- the highest generation that there ever was
    last_pgk_id BIGINT NOT NULL,
    joins_from BIGINT NOT NULL,         -- who joins gets nothing below
    notice BLOB                         -- the newest; NULL if nobody was excluded
);

CREATE TABLE generation (
    prose_group BIGINT NOT NULL REFERENCES prose_group (prose_group),
    generation BIGINT NOT NULL,
    pgk_id BIGINT NOT NULL,
    sealed_key BLOB,                    -- under the key file; NULL once it is over
    profile BIGINT NOT NULL,
    suite BIGINT NOT NULL,
    label TEXT NOT NULL,
    not_before BIGINT NOT NULL,
    not_after BIGINT NOT NULL,
    withdrawn BIGINT NOT NULL,          -- its turn will not come
    receive_grace_s BIGINT NOT NULL,
    send_grace_s BIGINT NOT NULL,
    max_unsynced_s BIGINT NOT NULL,
    epoch_s BIGINT NOT NULL,
    epoch_packets BIGINT NOT NULL,
    accept_rollback BIGINT NOT NULL,
    PRIMARY KEY (prose_group, generation)
);

CREATE TABLE member (
    prose_group BIGINT NOT NULL REFERENCES prose_group (prose_group),
    device BLOB NOT NULL REFERENCES device (device),
    member BIGINT NOT NULL,             -- 24 bits
    may_send BIGINT NOT NULL,
    joins_from BIGINT NOT NULL,         -- it gets nothing below
    PRIMARY KEY (prose_group, device),
    UNIQUE (prose_group, member)
);

-- What was sealed for whom, under which member id; stays when he leaves.
CREATE TABLE given (
    prose_group BIGINT NOT NULL,
    generation BIGINT NOT NULL,
    device BLOB NOT NULL REFERENCES device (device),
    member BIGINT NOT NULL,
    PRIMARY KEY (prose_group, generation, device),
    UNIQUE (prose_group, generation, member),
    FOREIGN KEY (prose_group, generation) REFERENCES generation (prose_group, generation)
);

CREATE TABLE audit (
    number BIGINT NOT NULL PRIMARY KEY,
    at BIGINT NOT NULL,
    who TEXT NOT NULL,                  -- Unix user
    what TEXT NOT NULL
);
