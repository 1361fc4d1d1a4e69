"""Many radios at one manager, on both databases: all have what they should, also when the manager is killed."""

import unittest

import prose_fleet

# And how many processes of the manager use it: on PostgreSQL two, side by side.
DATABASES = (("sqlite", 1), ("postgresql", 2))
RADIOS, KILLS = 500, 20


def setUpModule():
    prose_fleet.build()


class Fleet(unittest.TestCase):
    def test_all_radios_join_and_have_the_newest_key(self):
        for database, servers in DATABASES:
            with self.subTest(database):
                told = prose_fleet.run("join", "--database", database, "--devices", RADIOS, "--servers", servers, limit_s=600)
                print(f"{database}: {told['join_per_s']:.0f} joins/s, {told['ratio_join_crypto']:.2f} of what the "
                      "public-key operations alone would allow")  # fmt: skip
                self.assertGreaterEqual(told["devices"], RADIOS)


class Soak(unittest.TestCase):
    def test_nothing_that_was_acknowledged_is_lost_when_the_manager_is_killed(self):
        for database, servers in DATABASES:
            with self.subTest(database):
                told = prose_fleet.run("soak", "--database", database, "--kills", KILLS, "--servers", servers, limit_s=600)
                print(f"{database}: {told}")
                # All of them, and every second time one alone.
                self.assertEqual(told["killed"], KILLS // 2 * (servers + 1))
                self.assertGreater(told["steps"], 30)
