-- Fewer copies of the same: SQLite keeps a table and each of its indexes as a tree, and a join
-- writes into all of them. WITHOUT ROWID is left out for PostgreSQL.

-- A nonce begins with when it ends (8 octets, big-endian): what is over is found by that.
CREATE TABLE used (
    nonce BLOB NOT NULL PRIMARY KEY
) WITHOUT ROWID;
INSERT INTO used (nonce) SELECT nonce FROM used_nonce;
DROP TABLE used_nonce;
ALTER TABLE used RENAME TO used_nonce;

CREATE TABLE given_to (
    device BLOB NOT NULL REFERENCES device (device),
    prose_group BIGINT NOT NULL,
    generation BIGINT NOT NULL,
    member BIGINT NOT NULL,
    PRIMARY KEY (device, prose_group, generation),
    UNIQUE (prose_group, generation, member),
    FOREIGN KEY (prose_group, generation) REFERENCES generation (prose_group, generation)
) WITHOUT ROWID;
INSERT INTO given_to (device, prose_group, generation, member)
    SELECT device, prose_group, generation, member FROM given;
DROP TABLE given;
ALTER TABLE given_to RENAME TO given;
CREATE INDEX given_member ON given (prose_group, member, generation);

CREATE TABLE member_of (
    prose_group BIGINT NOT NULL REFERENCES prose_group (prose_group),
    device BLOB NOT NULL REFERENCES device (device),
    member BIGINT NOT NULL,             -- 24 bits
    may_send BIGINT NOT NULL,
    joins_from BIGINT NOT NULL,         -- it gets nothing below
    PRIMARY KEY (device, prose_group),
    UNIQUE (prose_group, member)
) WITHOUT ROWID;
INSERT INTO member_of (prose_group, device, member, may_send, joins_from)
    SELECT prose_group, device, member, may_send, joins_from FROM member;
DROP TABLE member;
ALTER TABLE member_of RENAME TO member;
