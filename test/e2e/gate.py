#!/usr/bin/env python3
"""Whether `penstock gate` finds what is worse, and says so by name; and is not wrong about the same build twice.
Candidates are programs around penstock that do what a worse build would do. What they make worse is far beyond what
a busy machine does to a run, so that nothing here depends on how fast one is.

usage: gate.py PENSTOCK MAKE_FIXTURES [AREA]
"""
import json
import os
import stat
import subprocess
import sys
import unittest

from cases import Case, penstock

JOB = """
name = "tiny"
[job]
documents = 6
[[kind]]
name = "letter"
size = "20KB"
"""

# Runs penstock as it is asked to; `worse` is what it does then.
AROUND = """#!%s
import json, sqlite3, subprocess, sys, time
arguments = sys.argv[1:]
command = arguments[0]
def store():
    return sqlite3.connect(arguments[arguments.index("--store") + 1])
%s
ran = subprocess.run([%r, *arguments], stdout=subprocess.PIPE)
out = ran.stdout
%s
sys.stdout.buffer.write(out)
sys.exit(ran.returncode)
"""

# A word of a chunk is gone, of one document of some hundred and fifty.
LOSES_A_WORD = """
if command == "backfill":
    with store() as db:
        row, text = db.execute("SELECT id, text FROM chunks WHERE length(text) > 500 ORDER BY id LIMIT 1").fetchone()
        words = text.split(" ")
        lost = next(at for at in range(20, len(words)) if words[at].isalpha())  # not two, by a line's end
        del words[lost]
        db.execute("UPDATE chunks SET text = ? WHERE id = ?", (" ".join(words), row))
"""
DOUBLES_A_CHUNK = """
if command == "backfill":
    with store() as db:
        row, = db.execute("SELECT max(id) FROM chunks").fetchone()
        db.execute("INSERT INTO chunks SELECT id + 1, page_first, page_last, char_begin, char_end, tokens, text "
                   "FROM chunks WHERE id = ?", (row,))
        db.execute("INSERT INTO vectors SELECT id + 1, vector FROM vectors WHERE id = ?", (row,))
"""
TAKES_MORE_MEMORY = """
if command == "backfill":
    held = bytearray(800 << 20)
    held[::4096] = b"x" * len(held[::4096])
    time.sleep(0.2)  # long enough to be seen
"""
SAYS_OF_ITSELF = """
if command == "backfill":
    lines = []
    for line in out.splitlines():
        event = json.loads(line)
        if event.get("event") == "summary":
            event[%r] = event[%r] * 30
        lines.append(json.dumps(event).encode())
    out = b"\\n".join(lines) + b"\\n"
"""
HAS_NO_EXPORT = """
if command == "export":
    sys.exit(2)
"""
FAILS = """
if command == "backfill":
    sys.stderr.write("out of order\\n")
    sys.exit(1)
"""


class Gates(Case):
    def setUp(self):
        super().setUp()
        self.job = os.path.join(self.folder, "job.toml")
        with open(self.job, "w") as file:
            file.write(JOB)
        # Beside it is no bench/stages_run: counting takes a minute.
        self.baseline = self.program("baseline")

    def program(self, name, before="", after=""):
        path = os.path.join(self.folder, name)
        with open(path, "w") as file:
            file.write(AROUND % (sys.executable, before, penstock, after))
        os.chmod(path, os.stat(path).st_mode | stat.S_IXUSR)
        return path

    def gate(self, candidate, expect, *arguments, pairs=10):
        report = os.path.join(self.folder, "report")
        ran = self.run_penstock("gate", self.job, "--baseline", self.baseline, "--candidate", candidate,
                                "--pairs-max", str(pairs), "--report", report, *arguments, expect=None, store=False,
                                env={**os.environ, "TMPDIR": self.folder})
        self.assertIn(ran.code, expect if isinstance(expect, tuple) else (expect,), ran.out + ran.err)
        with open(os.path.join(report, "gate.json")) as file:
            self.json = json.load(file)
        self.assertEqual([name for name in os.listdir(self.folder) if name.startswith("penstock-gate")], [])
        return ran

    def assert_found(self, words):
        self.assertTrue([line for line in self.json["regressions"] if words in line], self.json["regressions"])


class Verdicts(Gates):
    def test_the_same_build_twice_is_no_regression(self):
        ran = self.gate(self.baseline, (0, 12, 13))
        self.assertEqual(self.json["regressions"], [])
        self.assertTrue(self.json["same_build"])
        self.assertEqual(len(self.json["pairs"]), 10)
        content = self.json["seen"]
        self.assertGreater(content["baseline"]["words"], 10000)
        self.assertEqual(content["baseline"], content["candidate"])
        self.assertEqual(content["searches_different"], 0)
        self.assertIn("--seed 1", ran.out)
        for name in ("memory_peak", "p95_extract", "control_disk"):
            self.assertIn(name, self.json["pairs"][0]["baseline"])
        self.assertTrue([line for line in self.json["missing"] if line.startswith("instructions: ")])

    def test_slower_work_is_named(self):
        self.gate(self.program("slow", after=SAYS_OF_ITSELF % ("seconds", "seconds")), 11)
        self.assert_found("documents per second")

    def test_more_work_in_a_stage_is_named(self):
        name = "cpu_extraction_s"
        self.gate(self.program("works", after=SAYS_OF_ITSELF % (name, name)), 11)
        self.assert_found("extract")

    def test_more_memory_is_named(self):
        self.gate(self.program("large", before=TAKES_MORE_MEMORY), 11)
        self.assert_found("memory")

    def test_a_quota_that_is_used_is_told(self):
        with open(self.job, "w") as file:  # of more than one request
            file.write(JOB.replace("20KB", "1MB") + '[provider]\ntokens_per_minute = 10000000\nlatency = "1ms"\n')
        self.gate(self.baseline, (0, 12, 13), pairs=1)
        self.assertGreater(self.json["pairs"][0]["baseline"]["quota_utilisation"], 0)


class Contents(Gates):
    def test_a_lost_word_is_found(self):
        self.gate(self.program("loses", after=LOSES_A_WORD), 11, pairs=1)
        self.assertEqual(self.json["seen"]["words_lost"], 1)
        self.assert_found("words lost")

    def test_other_content_can_be_meant(self):
        self.gate(self.program("loses", after=LOSES_A_WORD), (0, 12, 13), "--accept-content", pairs=1)
        self.assertEqual(self.json["regressions"], [])

    def test_a_chunk_that_is_there_twice_is_found(self):
        self.gate(self.program("doubles", after=DOUBLES_A_CHUNK), 11, "--accept-content", pairs=1)
        self.assertEqual(self.json["seen"]["candidate"]["chunks_twice"],
                         self.json["seen"]["baseline"]["chunks_twice"] + 1)
        self.assert_found("twice")

    def test_a_baseline_without_export_is_compared_by_the_rest(self):
        candidate = self.baseline
        self.baseline = self.program("old", before=HAS_NO_EXPORT)
        self.gate(candidate, (0, 12, 13), pairs=1)
        self.assertIn("content: the baseline has no `penstock export`", self.json["missing"])
        self.assertIn("p95_extract: the baseline does not tell it", self.json["missing"])


class Trouble(Gates):
    def refused(self, *arguments, expect=1):
        return self.run_penstock("gate", *arguments, expect=expect, store=False).err

    def test_a_build_that_does_not_do_its_work_is_fatal(self):
        err = self.refused(self.job, "--baseline", self.baseline, "--candidate", self.program("fails", before=FAILS))
        self.assertIn("fails backfill ended with 1: out of order", err)

    def test_what_is_no_build_is_said(self):
        self.assertIn("has no cli/penstock", self.refused("--baseline", self.folder, "--candidate", self.baseline))
        self.assertIn("is no penstock that runs here",
                      self.refused("--baseline", "/bin/true", "--candidate", self.baseline))
        self.refused("--baseline", self.baseline, expect=2)

    def test_what_cannot_be_written_is_told_of_before_the_gate(self):
        builds = ("--baseline", self.baseline, "--candidate", self.baseline)
        nowhere = os.path.join(self.job, "nowhere")  # below a file
        for option in ("--report", "--history"):
            err = self.refused(self.job, *builds, option, nowhere)
            self.assertEqual(len(err.splitlines()), 1, err)
            self.assertIn(nowhere, err)

    def test_an_interrupt_ends_with_what_there_is(self):
        process = subprocess.Popen([penstock, "gate", self.job, "--baseline", self.baseline, "--candidate",
                                    self.baseline, "--pairs-max", "1000", "--json"], cwd=self.folder, text=True,
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.addCleanup(self.end, process)
        while "pair 2 " not in (line := process.stderr.readline()):
            self.assertTrue(line)
        process.terminate()
        out, err = process.communicate(timeout=120)
        self.assertIn(process.returncode, (12, 13), err)
        report = json.loads(out)
        self.assertEqual(report["interrupted"], "interrupted")
        self.assertGreaterEqual(len(report["pairs"]), 1)


class Micro(Gates):
    def times(self, name, *times):
        path = os.path.join(self.folder, name)
        with open(path, "w") as file:
            json.dump({"context": {}, "benchmarks": [
                {"name": "pack", "run_name": "pack", "run_type": "iteration", "cpu_time": time, "real_time": time,
                 "time_unit": "ns"} for time in times]}, file)
        return path

    def micro(self, expect, *paths):
        ran = self.run_penstock("gate", "--micro", *paths, "--json", expect=expect, store=False)
        return json.loads(ran.out)

    def test_files_of_times_are_compared(self):
        before = self.times("a.json", *(100 + i % 3 for i in range(20)))
        self.assertEqual(self.micro(0, before, before)["regressions"], [])
        report = self.micro(11, before, self.times("b.json", *(130 + i % 3 for i in range(20))))
        self.assertIn("pack", report["regressions"][0])


class Export(Case):
    def test_a_store_is_told_whole(self):
        one = self.write("one.txt", "Water rose in the upper valley. " * 200)
        broken = self.write("broken.pdf", "%PDF-1.4\nnothing")
        self.run_penstock("backfill", self.docs, expect=3)
        lines = self.run_penstock("export").json()
        documents = {line["key"]: line for line in lines if line["event"] == "document"}
        self.assertEqual(set(documents), {one, broken})
        self.assertEqual(documents[one]["outcome"], "done")
        self.assertNotEqual(documents[broken]["outcome"], "done")
        chunks = [line for line in lines if line["event"] == "chunk"]
        self.assertEqual([chunk["ordinal"] for chunk in chunks], list(range(documents[one]["chunks"])))
        text, covered = "", 0
        for chunk in chunks:
            text += chunk["text"][covered - chunk["char_begin"]:]
            covered = chunk["char_end"]
        self.assertEqual(text.split(), ("Water rose in the upper valley. " * 200).split())
        times = documents[one]["times"]
        self.assertLessEqual(times["started"], times["done"])

        only = self.run_penstock("export", "--documents-only", "--path", "*.txt").json()
        self.assertEqual([line["key"] for line in only], [one])


if __name__ == "__main__":
    unittest.main(argv=["gate", *sys.argv[3:]])
