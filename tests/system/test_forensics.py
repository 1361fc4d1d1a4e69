"""Where a PGK is in a running machine, and where it is not.

All cases judge one life of one UE (forensics/scenario.py). That the searches
would find what is there is shown by copies that must be found, and by patches
of the trusted application that must make these cases fail (`make mutants`).
"""

import unittest

from forensics import scenario
from forensics.scenario import (
    BEGUN_ANEW, DISK, ERASED, ERASED_COLD, FILES, INSTALLED, NORMAL_RAM, REVOKED, SEALED, SECURE_RAM, STARTED_COLD,
    UNREVOKED, WORKED_ON,
)  # fmt: skip
from forensics.secure_map import TA, TA_HEAP


# What HMAC keeps of a key is as secret as the key.
STATES_OF_PRK = ("PRK's inner state", "PRK's outer state")
STATES_OF_PGK = ("PGK's inner state", "PGK's outer state")
STATES_OF_OTHER = ("other PGK's inner state", "other PGK's outer state")


# In small letters: the cases are named after it.
class forensics(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.report = scenario.run("forensics")

    def copies(self, moment, *secrets):
        """(secret, part, owner) of each copy in the secure RAM."""
        return [(hit["secret"], hit["part"], hit["owner"]) for hit in self.report.hits(moment, SECURE_RAM, *secrets)]

    def test_the_normal_world_never_holds_the_pgk(self):
        for moment, place in [(STARTED_COLD, NORMAL_RAM), (STARTED_COLD, DISK), (STARTED_COLD, FILES),
                              (ERASED_COLD, NORMAL_RAM), (ERASED_COLD, DISK)]:
            with self.subTest(moment=moment, place=place):
                kept = ("PGK", "PRK", *STATES_OF_PRK, *STATES_OF_PGK)
                self.assertEqual(self.report.hits(moment, place, *kept), [])

    def test_what_is_there_is_found(self):
        for moment, place, secret in [
            (STARTED_COLD, NORMAL_RAM, "planted"), (STARTED_COLD, NORMAL_RAM, "client's CK"),
            (STARTED_COLD, DISK, "planted"), (STARTED_COLD, FILES, "planted"), (STARTED_COLD, FILES, "hidden"),
            (ERASED_COLD, NORMAL_RAM, "planted again"), (ERASED_COLD, DISK, "planted again"),
            (BEGUN_ANEW, SECURE_RAM, "other PGK"),
        ]:  # fmt: skip
            with self.subTest(moment=moment, place=place, secret=secret):
                found = self.report.hits(moment, place, secret)
                self.assertIn("whole", [hit["part"] for hit in found])

    def test_the_ta_holds_the_pgk_once(self):
        for moment in (INSTALLED, WORKED_ON, STARTED_COLD):
            with self.subTest(moment=moment):
                in_ta = [copy for copy in self.copies(moment, "PGK") if copy[2] in TA]
                self.assertEqual(in_ta, [("PGK", "whole", TA_HEAP)])

    def test_the_ta_holds_what_its_profile_keeps_of_the_pgk_once(self):
        for moment, states in [(WORKED_ON, STATES_OF_PRK), (STARTED_COLD, STATES_OF_PRK), (BEGUN_ANEW, STATES_OF_OTHER)]:
            for state in states:
                with self.subTest(moment=moment, state=state):
                    self.assertEqual(self.copies(moment, state), [(state, "whole", TA_HEAP)])

    def test_nothing_derived_stays_in_the_secure_world(self):
        derived = {copy for copy in self.copies(STARTED_COLD) if copy[0] not in ("PGK", *STATES_OF_PRK)}
        self.assertEqual(derived, set())

    def test_what_op_tee_keeps_of_a_pgk_is_driven_out(self):
        # At most some registers that it saved while the TA wrote.
        self.assertNotIn("whole", [copy[1] for copy in self.copies(INSTALLED) if copy[2] not in TA])
        for moment in (WORKED_ON, STARTED_COLD):
            with self.subTest(moment=moment):
                self.assertEqual([copy for copy in self.copies(moment) if copy[2] not in TA], [])

    def test_an_erased_pgk_is_nowhere(self):
        self.assertEqual(self.copies(ERASED), [])

    def test_the_erased_state_is_overwritten_on_the_disk(self):
        sealed = {hit["secret"] for hit in self.report.hits(SEALED, DISK) if hit["part"] == "whole"}
        self.assertGreaterEqual(len(sealed), 2, "the state's blocks were on the disk")
        self.assertEqual(self.report.hits(ERASED, DISK), [])

    def test_a_revoked_pgk_is_overwritten_on_the_disk_and_nowhere_in_memory(self):
        sealed = {hit["secret"] for hit in self.report.hits(UNREVOKED, DISK) if hit["part"] == "whole"}
        self.assertGreaterEqual(len(sealed), 2, "the state's blocks were on the disk")
        self.assertEqual(self.report.hits(REVOKED, DISK), [])
        self.assertEqual(self.copies(REVOKED, "other PGK", *STATES_OF_OTHER), [])
        self.assertIn(("next PGK", "whole", TA_HEAP), self.copies(REVOKED, "next PGK"))

    def test_an_erased_pgk_does_not_come_back(self):
        self.assertEqual(self.copies(ERASED_COLD), [])
        self.assertEqual(self.copies(BEGUN_ANEW, "PGK", "PRK", *STATES_OF_PRK, *STATES_OF_PGK), [])
