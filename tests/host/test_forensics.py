"""The search of the memory forensics, on octets made here."""

import hashlib
import io
import struct
import unittest

import manager
from forensics import hmac_state, private_keys
from forensics.memory import Area
from forensics.report import Report
from forensics.search import FORMS, search
from forensics.secure_map import SecureMap

KEY = bytes(range(1, 33))


def found(octets, piece=1 << 20):
    pieces = [(at, octets[at : at + piece]) for at in range(0, len(octets), piece)]
    searched, hits = search(pieces, {"key": KEY})
    assert searched == len(octets)
    return [(hit.address, hit.part, hit.form) for hit in hits]


class Search(unittest.TestCase):
    def test_each_form_of_a_whole_key(self):
        for form, change in FORMS.items():
            with self.subTest(form=form):
                self.assertIn((100, "whole", form), found(bytes(100) + change(KEY) + bytes(100)))

    def test_each_half_alone(self):
        self.assertEqual(found(bytes(7) + KEY[:16] + bytes(7)), [(7, "first half", "as is")])
        self.assertEqual(found(bytes(7) + KEY[16:] + bytes(7)), [(7, "second half", "as is")])

    def test_every_copy_across_any_border_of_pieces(self):
        octets = bytes(50) + KEY + bytes(50) + KEY[::-1] + bytes(50)
        for piece in range(1, 80):
            with self.subTest(piece=piece):
                self.assertEqual(found(octets, piece), [(50, "whole", "as is"), (132, "whole", "reversed")])

    def test_less_than_a_half_is_not_taken_for_one(self):
        self.assertEqual(found(bytes(9) + KEY[:15] + bytes(9)), [])

    def test_a_gap_is_an_error_and_no_octets_searched(self):
        with self.assertRaises(ValueError):
            search([(0, bytes(10)), (11, bytes(10))], {"key": KEY})

    def test_nothing_found_in_less_than_the_place_has_is_no_finding(self):
        for searched, wanted in ((0, 0), (0, 64), (63, 64)):
            with self.subTest(searched=searched), self.assertRaises(RuntimeError):
                Report().add("now", "RAM", {"key": KEY}, searched, 0.0, [], wanted=wanted)

    def test_a_piece_that_comes_in_parts_is_read_whole(self):
        octets = bytes(range(256)) * 8192

        class InParts(io.BytesIO):
            def read(self, size=-1):
                return super().read(min(size, 4096 * 3 + 1))

        area = Area(InParts(octets), 5, 0x4000_0000, len(octets) - 5)
        self.assertEqual(area.whole(), octets[5:])
        self.assertEqual([address for address, _ in area.pieces()], [0x4000_0000, 0x4010_0000])
        with self.assertRaises(RuntimeError):
            Area(InParts(octets), 5, 0, len(octets)).whole()


class PrivateKeys(unittest.TestCase):
    def setUp(self):
        self.kinds = [manager.form().public_of_ed25519, manager.form().public_of_x25519]
        self.key = bytes((7 * octet) % 256 for octet in KEY)

    def test_it_is_found_beside_its_public_half_and_nowhere_else(self):
        for public_of in self.kinds:
            public, length = public_of(self.key), (32).to_bytes(4, "big")
            for key in (self.key, self.key[::-1]):
                stored = bytes(300) + length + key + length + public + bytes(300)
                self.assertEqual(private_keys.beside(stored, public, public_of), [(304, self.key)])
                self.assertEqual(private_keys.beside(public + key, public, public_of), [(32, self.key)])
                far = public + bytes(private_keys.NEAR) + key
                self.assertEqual(private_keys.beside(far, public, public_of), [])

    def test_another_pairs_private_half_is_none(self):
        for public_of in self.kinds:
            public = public_of(self.key)
            self.assertEqual(private_keys.beside(KEY + public + public_of(KEY), public, public_of), [])

    def test_what_a_signer_makes_of_its_key(self):
        # RFC 8032, 7.1, test 1.
        seed = bytes.fromhex("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60")
        made = private_keys.of_signing("key", seed)
        self.assertEqual(list(made), ["key", "key's scalar", "key's prefix"])
        self.assertEqual(made["key's scalar"].hex(), "307c83864f2833cb427a2ef1c00a013cfdff2768d980c0a3a520f006904de94f")
        self.assertEqual(made["key's prefix"], hashlib.sha512(seed).digest()[32:])

    def test_a_scalar_multiplies_as_its_key_does(self):
        made = private_keys.of_opening("key", self.key)
        public_of = manager.form().public_of_x25519
        self.assertNotEqual(made["key's scalar"], self.key)
        self.assertEqual(public_of(made["key's scalar"]), public_of(self.key))


class HmacState(unittest.TestCase):
    def test_a_state_is_that_of_sha256_after_one_block(self):
        # A message of less than a block with its padding is one: then the state is the digest.
        for message in (b"", b"abc", bytes(55)):
            block = message + b"\x80" + bytes(55 - len(message)) + (8 * len(message)).to_bytes(8, "big")
            self.assertEqual(hmac_state.after(block), hashlib.sha256(message).digest())

    def test_both_states_are_found_as_a_little_endian_machine_keeps_them(self):
        secrets = hmac_state.states("key", KEY)
        self.assertEqual(sorted(secrets), ["key's inner state", "key's outer state"])
        self.assertEqual(secrets["key's inner state"], hmac_state.after(bytes(o ^ 0x36 for o in KEY) + b"\x36" * 32))
        for name, state in secrets.items():
            words = struct.pack("<8I", *struct.unpack(">8I", state))
            _, hits = search([(0, bytes(8) + words + bytes(8))], secrets)
            self.assertEqual([(hit.secret, hit.part, hit.form) for hit in hits], [(name, "whole", "words")])


class Map(unittest.TestCase):
    LOG = (
        "D/TC:0   add_phys_mem:749 VCORE_UNPG_RW_PA type TEE_RAM_RW 0x0e102000 size 0x00002000\n"
        "D/TC:0   boot_mem_release_unused:192 Carving out 0xe100000..0xe103fff\n"
        "D/LD:  ldelf:176 ELF (486d96ac-cfcd-427a-9e30-369ed3c15325) at 0x40005000\n"
    )

    def test_pages_go_by_the_translation_table(self):
        ram = bytearray(16 << 20)
        for index, entry in {0: 0xE100F87, 2: 0xE200F4F, 5: 0xE201FCF, 6: 0xE202F4F}.items():
            struct.pack_into("<Q", ram, 0x103000 + 8 * index, entry)
        owner = SecureMap(bytes(ram), self.LOG).owner
        self.assertEqual(
            [owner(a) for a in (0xE000000, 0xE100000, 0xE103FFF, 0xE104000, 0xE200000, 0xE201234, 0xE202FFF, 0xE203000)],
            ["TF-A", "core code", "core data, heap, stacks", "page pool, no TA's page", "TA stack and loader", "TA code",
             "TA data and heap", "page pool, no TA's page"],
        )

    def test_no_table_is_an_error_and_not_an_empty_answer(self):
        with self.assertRaises(RuntimeError):
            SecureMap(bytes(16 << 20), self.LOG)
