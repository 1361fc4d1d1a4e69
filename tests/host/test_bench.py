"""What `make bench` makes of raw samples: figures, goals, the table, the plot, bench.json."""

import json
import unittest
import xml.etree.ElementTree as ET

from benchmark import figures, goals, plot, table, traffic
from benchmark.figures import Figure

US = 1000
# A run that reaches every goal.
SAMPLES = {
    "call_empty": [400 * US] * 100,
    "call_memref": [500 * US] * 100,
    "derive": [510 * US] * 99 + [9000 * US],
    "batch64": [900 * US] * 100,
    "derive_send": [500 * US] * 99 + [50_500 * US],
    "session_open": [900 * US] * 100,
    "session_ready": [1200 * US] * 100,
    "session_open_first": [200_000 * US, 100_000 * US, 300_000 * US],
    "store_write": [50_000 * US] * 25,
    "status": [800 * US] * 25,
    "events": [800 * US] * 25,
    "import": [80_000 * US] * 100,
    "derive_waiting": [40_800 * US] * 98 + [81_600 * US] * 2,
    "statement": [12_000 * US] * 100,
    "suspend": [50_000 * US] * 25,
    "revoke": [100_000 * US] * 25,
    "pkcs11_derive": [8000 * US] * 100,
}
WRITTEN = {"derive": {"calls": 1000, "bytes": 0}, "store_write": {"calls": 10, "bytes": 169_200}}
# Of a database; what was not reached is absent.
TOLD = {"join_per_s": 600.0, "crypto_per_s": 1000.0, "ratio_join_crypto": 0.6, "rotate_100_us": 2000, "devices": 105}
FLEETS = {"sqlite": TOLD, "postgresql": {**TOLD, "ratio_join_crypto": 0.2}}


def run(samples=SAMPLES, written=WRITTEN, boots_s=(5.0, 4.0, 9.0), ta_bytes=150_000, fleets=FLEETS):
    return figures.compute(samples, written, list(boots_s), ta_bytes, fleets)


def without(name):
    return {key: value for key, value in SAMPLES.items() if key != name}


class Figures(unittest.TestCase):
    def test_a_percentile_is_a_value_that_was_measured(self):
        self.assertEqual(figures.percentile([3, 1, 2, 4], 0.5), 2)
        self.assertEqual(figures.percentile(range(1, 101), 0.99), 99)
        self.assertEqual(figures.percentile([7], 0.99), 7)

    def test_times_are_medians_in_microseconds_and_ratios_are_of_medians(self):
        found = run()
        self.assertEqual(found["derive"], Figure("derive", 510, "us"))
        self.assertEqual(found["session_open_first"].value, 200_000)
        self.assertEqual(found["ratio_derive_empty"], Figure("ratio_derive_empty", 510 / 400, "ratio"))
        self.assertEqual(found["boot_seconds"], Figure("boot_seconds", 5.0, "s"))
        self.assertAlmostEqual(found["derives_per_second"].value, 1e6 / 510)

    def test_a_derive_that_waits_is_told_by_one_that_does_not(self):
        found = run()
        self.assertEqual(found["ratio_waiting_derive"].value, 80)
        self.assertEqual(found["ratio_waiting_derive_p99"].value, 160)
        few = run({**SAMPLES, "derive_waiting": [40_800 * US] * 99})
        self.assertNotIn("ratio_waiting_derive_p99", few)
        self.assertEqual(found["ratio_import_store"].value, 1.6)

    def test_send_is_a_mean_so_that_its_writes_count(self):
        self.assertEqual(run()["derive_send"].value, 1000)

    def test_few_samples_have_no_99th_percentile(self):
        self.assertEqual(run()["derive_p99"].value, 510)
        self.assertNotIn("store_write_p99", run())

    def test_octets_written_are_per_call(self):
        self.assertEqual(run()["derive_written"], Figure("derive_written", 0, "bytes"))
        self.assertEqual(run()["store_write_written"].value, 16_920)

    def test_each_database_has_its_figures_and_sqlite_the_ratio_with_the_goal(self):
        found = run()
        self.assertEqual(found["join_per_s_sqlite"], Figure("join_per_s_sqlite", 600, "1/s"))
        self.assertEqual(found["rotate_100_postgres"], Figure("rotate_100_postgres", 2000, "us"))
        self.assertEqual(found["ratio_join_crypto"].value, 0.6)
        self.assertEqual(found["ratio_join_crypto_postgres"].value, 0.2)
        self.assertNotIn("rotate_1000_sqlite", found)
        self.assertFalse([name for name in run(fleets={}) if "join" in name])

    def test_what_was_not_run_is_absent(self):
        found = run(without("pkcs11_derive"), boots_s=())
        for name in ("pkcs11_derive", "pkcs11_derive_p99", "ratio_pkcs11_derive", "boot_seconds"):
            self.assertNotIn(name, found)

    def test_the_file_has_names_values_and_known_units(self):
        rows = json.loads(figures.to_json(run()))["figures"]
        self.assertEqual({tuple(row) for row in rows}, {("name", "value", "unit")})
        self.assertEqual({row["unit"] for row in rows}, {"us", "ratio", "bytes", "s", "1/s"})
        self.assertEqual(len({row["name"] for row in rows}), len(rows))


class Goals(unittest.TestCase):
    def missed(self, found):
        return [text for text in (goal.missed(found) for goal in goals.GOALS) if text]

    def test_a_good_run_reaches_all(self):
        self.assertEqual(self.missed(run()), [])

    def test_a_missed_goal_is_named_with_its_figure_and_bound(self):
        slow = {**SAMPLES, "derive": [560 * US] * 100}
        self.assertEqual(self.missed(run(slow)), ["ratio_derive_empty is 1.400; it must be at most 1.3"])
        writes = {**SAMPLES, "derive_send": [500 * US] * 99 + [300_500 * US]}
        self.assertEqual(self.missed(run(writes)), ["ratio_send_derive is 6.863; it must be at most 6"])

    def test_a_goal_whose_figure_was_not_measured_is_missed(self):
        [text] = self.missed(run(without("pkcs11_derive")))
        self.assertEqual(text, "ratio_pkcs11_derive was not measured; it must be at least 12")

    def test_a_derive_that_writes_one_octet_misses(self):
        wrote = {**WRITTEN, "derive": {"calls": 1000, "bytes": 1}}
        self.assertEqual(len(self.missed(run(written=wrote))), 1)

    def test_a_count_that_sees_no_write_misses(self):
        blind = {**WRITTEN, "store_write": {"calls": 10, "bytes": 0}}
        self.assertEqual(len(self.missed(run(written=blind))), 1)

    def test_no_time_is_a_goal(self):
        units = {figure.name: figure.unit for figure in run().values()}
        self.assertLessEqual({units[goal.figure] for goal in goals.GOALS}, {"ratio", "bytes"})


class Shown(unittest.TestCase):
    def test_each_time_has_its_ratio_and_each_goal_its_verdict(self):
        text = table.render(run({**SAMPLES, "derive": [600 * US] * 100}))
        self.assertRegex(text, r"receive: .* 600 +600 +1\.50\n")
        self.assertRegex(text, r"ratio_derive_empty +1\.50 +at most 1\.3 +MISSED\n")
        self.assertRegex(text, r"ratio_session_empty +2\.25 +at most 3 +ok\n")
        self.assertRegex(text, r"a manager and its radios +sqlite +postgres\n")
        self.assertRegex(text, r"joins/s +600 +600\n")
        self.assertNotIn("1,000 members", text)

    def test_every_time_is_in_the_table(self):
        names = [name for name, _ in table.CALLS]
        self.assertEqual(sorted(names), sorted(SAMPLES))

    def test_the_plot_is_xml_with_a_bar_for_each_call(self):
        root = ET.fromstring(plot.render(run()))
        bars = [rect for rect in root.iter("{http://www.w3.org/2000/svg}rect") if rect.get("height") == "18"]
        self.assertEqual(len(bars), len(SAMPLES))
        self.assertTrue(all(float(bar.get("width")) > 0 for bar in bars))


class Traffic(unittest.TestCase):
    ROW = {"suite": "aead", "octets": 1400, "protect_ns": 200, "unprotect_ns": 250, "unprotect_of_50_ns": 400,
           "raw_seal_ns": 160, "raw_open_ns": 200, "ratio_path": 0.8, "ratio_path_bare": 0.75}  # fmt: skip

    def figures(self, found):
        return {figure.name: figure.value for figure in found}

    def test_a_path_is_told_in_packets_a_second(self):
        found = self.figures(traffic.of_path([self.ROW, {**self.ROW, "suite": "3gpp"}]))
        self.assertEqual((found["protect_aead_1400"], found["raw_seal_1400"]), (5e6, 6.25e6))
        self.assertEqual((found["ratio_path_1400"], found["ratio_path_bare_1400"]), (0.8, 0.75))
        self.assertEqual(found["unprotect_of_50_3gpp_1400"], 2.5e6)

    def test_openssl_says_octets_a_second(self):
        figure = traffic.of_openssl(1400, "+H:1400\n+F:25:AES-256-GCM:1400000000.00\n")
        self.assertEqual(figure, Figure("openssl_gcm_1400", 1e6, "1/s"))

    def test_both_tunnels_are_compared_round_by_round(self):
        rounds = [(120, 100), (30, 40), (60, 50)]
        runs = {name: [{"per_second": pair[number], "cpu_us": pair[1 - number]} for pair in rounds]
                for number, name in enumerate(("prosed", "boringtun"))}  # fmt: skip
        found = self.figures(traffic.of_tun(runs))
        self.assertEqual((found["tun_prosed"], found["ratio_tun_boringtun"]), (60, 1.2))
        self.assertEqual(found["ratio_tun_boringtun_cpu"], 1.2)

    def test_its_goals_have_their_verdicts(self):
        found = {figure.name: figure for figure in traffic.of_path([self.ROW])}
        text = "\n".join(traffic.render(found))
        self.assertRegex(text, r"ratio_path_1400 +0\.80 ratio +at least 0\.85 +MISSED")
