"""Where PGKs and a device's private keys are in a running machine, and where they are not.

All cases judge one life of one UE (forensics/scenario.py). That the searches
would find what is there is shown by copies that must be found, and by patches
of the trusted application that must make these cases fail (`make mutants`).
"""

import unittest

from forensics import scenario
from forensics.scenario import (
    AWAKE, BEGUN_ANEW, DISK, ERASED, ERASED_COLD, FILES, IDENTIFIED, IDENTIFIED_ANEW, IMPORTED, IN_CLEAR, NORMAL_RAM,
    NOT_OPENED, NOT_OPENED_ANEW, OPENING, OTHER_OPENING, OTHER_SIGNING, REVOKED, SEALED, SECURE_RAM, SIGNING, STARTED_COLD,
    UNREVOKED, WORKED_ON,
)  # fmt: skip
from forensics.secure_map import CORE_NAME, TA, TA_HEAP


# What HMAC keeps of a key is as secret as the key.
STATES_OF_PRK = ("PRK's inner state", "PRK's outer state")
STATES_OF_PGK = ("PGK's inner state", "PGK's outer state")
STATES_OF_OTHER = ("other PGK's inner state", "other PGK's outer state")
KEPT = ("PGK", "PRK", *STATES_OF_PRK, *STATES_OF_PGK)
OF_SIGNING = (SIGNING, f"{SIGNING}'s scalar", f"{SIGNING}'s prefix")
PRIVATE = (*OF_SIGNING, OPENING, f"{OPENING}'s scalar")
# Of the identity after the erase.
OF_OTHER_SIGNING = (OTHER_SIGNING, f"{OTHER_SIGNING}'s scalar", f"{OTHER_SIGNING}'s prefix")
OTHER_PRIVATE = (*OF_OTHER_SIGNING, OTHER_OPENING, f"{OTHER_OPENING}'s scalar")


# In small letters: the cases are named after it.
class forensics(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.report = scenario.run("forensics")

    def copies(self, moment, *secrets):
        """(secret, part, owner) of each copy in the secure RAM."""
        return [(hit["secret"], hit["part"], hit["owner"]) for hit in self.report.hits(moment, SECURE_RAM, *secrets)]

    def never_in_the_normal_world(self, *secrets):
        for moment, place in [(IMPORTED, NORMAL_RAM), (STARTED_COLD, NORMAL_RAM), (STARTED_COLD, DISK),
                              (STARTED_COLD, FILES), (ERASED_COLD, NORMAL_RAM), (ERASED_COLD, DISK)]:
            with self.subTest(moment=moment, place=place):
                self.assertEqual(self.report.hits(moment, place, *secrets), [])

    def test_the_normal_world_never_holds_the_pgk(self):
        self.never_in_the_normal_world(*KEPT)

    def test_the_normal_world_never_holds_a_private_key(self):
        self.never_in_the_normal_world(*PRIVATE)

    def test_the_tas_memory_never_holds_a_private_key(self):
        # An opening key is not known before it was used.
        for keys, moments in [
            (OF_SIGNING, [IDENTIFIED]),
            (PRIVATE, [NOT_OPENED, IMPORTED, WORKED_ON, AWAKE, STARTED_COLD, ERASED, ERASED_COLD]),
            (PRIVATE + OF_OTHER_SIGNING, [IDENTIFIED_ANEW]),
            (PRIVATE + OTHER_PRIVATE, [NOT_OPENED_ANEW, BEGUN_ANEW, REVOKED, IN_CLEAR]),
        ]:  # fmt: skip
            for moment in moments:
                with self.subTest(moment=moment):
                    self.assertEqual([copy for copy in self.copies(moment, *keys) if copy[2] in TA], [])

    def test_a_private_key_is_in_op_tees_core_after_its_use_and_driven_out(self):
        for moment, key in [(IDENTIFIED, SIGNING), (NOT_OPENED, OPENING), (IMPORTED, SIGNING), (AWAKE, SIGNING),
                            (IDENTIFIED_ANEW, OTHER_SIGNING), (NOT_OPENED_ANEW, OTHER_OPENING)]:
            with self.subTest(moment=moment):
                copies = self.copies(moment, key)
                self.assertEqual(set(copies), {(key, "whole", CORE_NAME)})
        for moment in (WORKED_ON, STARTED_COLD, ERASED, ERASED_COLD, IDENTIFIED_ANEW, NOT_OPENED_ANEW):
            with self.subTest(moment=moment):
                self.assertEqual(self.copies(moment, *PRIVATE), [])

    def test_what_is_there_is_found(self):
        for moment, place, secret in [
            (IMPORTED, NORMAL_RAM, "planted first"), (STARTED_COLD, NORMAL_RAM, "planted"),
            (STARTED_COLD, NORMAL_RAM, "client's CK"), (STARTED_COLD, DISK, "planted"),
            (STARTED_COLD, FILES, "planted"), (STARTED_COLD, FILES, "hidden"),
            (ERASED_COLD, NORMAL_RAM, "planted again"), (ERASED_COLD, DISK, "planted again"),
            (BEGUN_ANEW, SECURE_RAM, "other PGK"),
        ]:  # fmt: skip
            with self.subTest(moment=moment, place=place, secret=secret):
                found = self.report.hits(moment, place, secret)
                self.assertIn("whole", [hit["part"] for hit in found])

    def test_the_ta_holds_the_pgk_once(self):
        for moment in (IMPORTED, WORKED_ON, AWAKE, STARTED_COLD):
            with self.subTest(moment=moment):
                in_ta = [copy for copy in self.copies(moment, "PGK") if copy[2] in TA]
                self.assertEqual(in_ta, [("PGK", "whole", TA_HEAP)])

    def test_the_ta_holds_a_pgk_that_it_took_in_clear_once(self):
        in_ta = [copy for copy in self.copies(IN_CLEAR, "PGK in clear") if copy[2] in TA]
        self.assertEqual(in_ta, [("PGK in clear", "whole", TA_HEAP)])

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
        self.assertNotIn("whole", [copy[1] for copy in self.copies(IMPORTED, *KEPT) if copy[2] not in TA])
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
        for moment in (IDENTIFIED_ANEW, NOT_OPENED_ANEW, BEGUN_ANEW):
            with self.subTest(moment=moment):
                self.assertEqual(self.copies(moment, *KEPT), [])
