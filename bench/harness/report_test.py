"""What the tables must not get wrong: ratios, verdicts, and servers that could not be measured."""

import pathlib
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

from harness import report  # noqa: E402
from harness.cases import Case, Target  # noqa: E402
from harness.measure import Row, summarize  # noqa: E402
from harness.servers import Guest  # noqa: E402


def row(label, *rates, p99_ms=1.0, cpu_us=10.0):
    rounds = [{"rate": rate, "p50_ms": 0.5, "p99_ms": p99_ms, "cpu_us": cpu_us, "rss_mib": 20.0,
               "instances": 1, "errors": 0} for rate in rates]
    return Row(label, "1.0", rounds=rounds)


def case(*targets):
    return Case("case", "A case", Guest("http-hello", None), [], targets=list(targets))


def verdicts(rows, *targets):
    return [line[3] for line in report.targets(case(*targets), rows)]


class TargetTest(unittest.TestCase):
    def test_a_rate_must_reach_its_floor(self):
        self.assertEqual(verdicts([row("a", 320), row("b", 100)], Target(1, "rate", 3.2)), ["met"])
        self.assertEqual(verdicts([row("a", 319), row("b", 100)], Target(1, "rate", 3.2)),
                         ["not met"])

    def test_latency_and_cpu_must_stay_under_their_floor(self):
        rows = [row("a", 1, p99_ms=1.0, cpu_us=6.0), row("b", 1, p99_ms=1.0, cpu_us=10.0)]
        self.assertEqual(verdicts(rows, Target(1, "p99", 1.0), Target(1, "cpu", 0.67),
                                  Target(1, "cpu", 0.5)), ["met", "met", "not met"])

    def test_the_median_of_the_rounds_counts(self):
        rows = [row("a", 1, 300, 900), row("b", 100, 100, 100)]
        self.assertEqual(report.targets(case(Target(1, "rate", 3)), rows)[0][2], "3.00×")

    def test_a_server_without_figures_gives_no_verdict(self):
        absent = Row("b", absent="not installed")
        self.assertEqual(verdicts([row("a", 1), absent], Target(1, "rate", 1)), ["not measured"])


class TableTest(unittest.TestCase):
    def test_an_absent_server_is_named_with_its_reason(self):
        absent = Row("peer", absent="not installed")
        cells = report.cells(absent, row("ours", 1))
        self.assertEqual(cells[:3], ["peer", "", "not installed"])
        self.assertEqual(len(cells), len(report.HEADERS))

    def test_spread_is_relative_to_the_median(self):
        self.assertAlmostEqual(row("a", 90, 100, 110).spread(), 0.2)

    def test_only_good_answers_count(self):
        client = {"requests": 100, "status_errors": 50, "duration_us": 1_000_000, "p50_us": 1,
                  "p99_us": 2, "errors": 50}
        self.assertEqual(summarize(client, 1.0, 0, 0, 0)["rate"], 50)
        self.assertEqual(summarize(client, 1.0, 0, 0, 0)["cpu_us"], 20_000)

    def test_no_good_answer_is_a_failure(self):
        client = {"requests": 5, "status_errors": 5, "duration_us": 1, "errors": 5}
        with self.assertRaises(RuntimeError):
            summarize(client, 1.0, 0, 0, 0)


class CommitTest(unittest.TestCase):
    def setUp(self):
        self.folder = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory()))

    def git(self, *words):
        subprocess.run(["git", "-C", self.folder, "-c", "user.name=a",
                        "-c", "user.email=a@b.example", *words], check=True, capture_output=True)

    def test_it_is_the_checkouts_and_says_if_other_code_was_measured(self):
        self.assertEqual("", report.commit(self.folder))
        (self.folder / "docs").mkdir()
        for name in ("docs/page.md", "code.cc"):
            (self.folder / name).write_text("old", encoding="utf-8")
        self.git("init")
        self.git("add", ".")
        self.git("commit", "-m", "All")
        self.assertRegex(report.commit(self.folder), "^[0-9a-f]{7}$")
        (self.folder / "docs" / "page.md").write_text("new", encoding="utf-8")
        self.assertRegex(report.commit(self.folder), "^[0-9a-f]{7}$")
        (self.folder / "code.cc").write_text("new", encoding="utf-8")
        self.assertRegex(report.commit(self.folder), "^[0-9a-f]{7} with changes$")

    def test_a_table_names_it(self):
        facts = {**report.machine(), "commit": "0123abc"}
        self.assertIn("; Nimbus at 0123abc; ", report.describe_machine(facts))
        self.assertIn("; Nimbus at an unknown commit; ",
                      report.describe_machine({**facts, "commit": ""}))


class SectionTest(unittest.TestCase):
    def test_only_the_text_between_the_markers_changes(self):
        begin, end = report.BEGIN.format(name="run"), report.END.format(name="run")
        with tempfile.TemporaryDirectory() as folder:
            document = pathlib.Path(folder) / "page.md"
            document.write_text(f"before\n{begin}\nold\n{end}\nafter\n", encoding="utf-8")
            report.replace_section(document, "run", "new")
            self.assertEqual(document.read_text(encoding="utf-8"),
                             f"before\n{begin}\nnew\n{end}\nafter\n")

    def test_a_page_without_the_markers_is_refused(self):
        with tempfile.TemporaryDirectory() as folder:
            document = pathlib.Path(folder) / "page.md"
            document.write_text("nothing\n", encoding="utf-8")
            with self.assertRaises(SystemExit):
                report.replace_section(document, "run", "new")


if __name__ == "__main__":
    unittest.main()
