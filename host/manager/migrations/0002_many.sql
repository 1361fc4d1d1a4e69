-- Ten thousand members and many processes: what is asked for is found by an index.

CREATE UNIQUE INDEX device_name ON device (LOWER(name));
CREATE UNIQUE INDEX prose_group_name ON prose_group (LOWER(name));
CREATE INDEX member_device ON member (device);
CREATE INDEX given_device ON given (device, prose_group, generation);
CREATE INDEX given_member ON given (prose_group, member, generation);

-- The highest generation that was given to a radio which was a member then and left.
ALTER TABLE prose_group ADD COLUMN outside_to BIGINT NOT NULL DEFAULT 0;
UPDATE prose_group SET outside_to = COALESCE((
    SELECT MAX(given.generation) FROM given
    WHERE given.prose_group = prose_group.prose_group AND NOT EXISTS (
        SELECT 1 FROM member
        WHERE member.prose_group = given.prose_group AND member.device = given.device)), 0);
