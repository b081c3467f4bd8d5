#!/usr/bin/env python3
"""The commands as a user types them, held against the files, the store and each other.

usage: commands.py PENSTOCK MAKE_FIXTURES [unittest arguments]
"""
import glob
import json
import os
import resource
import shutil
import signal
import sqlite3
import subprocess
import sys
import unittest

from cases import Case, penstock

# What the sample corpus holds on purpose.
BROKEN = {"encrypted": 4, "corrupt": 3, "unsupported": 2}


class Backfill(Case):
    def test_counts_agree_with_the_files_the_ledger_and_fsck(self):
        ran = self.run_penstock("backfill", self.samples, "--include", "*.pdf", "--json", expect=3)
        summary = ran.summary()
        files = glob.glob(self.samples + "/*.pdf")
        self.assertEqual(summary["seen"], len(files))
        self.assertEqual(summary["seen"], sum(summary["documents"].values()))
        self.assertEqual(summary["failed"], sum(BROKEN.values()))
        for outcome, count in BROKEN.items():
            self.assertEqual(summary["documents"][outcome], count, outcome)
        self.assertEqual(summary["exit_code"], 3)
        documents = ran.events("document")
        self.assertEqual({event["key"] for event in documents}, set(files))
        self.assertEqual(len(documents), len(files))

        status = self.run_penstock("status", "--json").json()[-1]
        self.assertEqual(status["documents"], summary["documents"])
        for name in ("chunks", "tokens", "pages", "bytes"):
            self.assertEqual(status[name], summary[name], name)
        self.assertEqual(status["vectors"], status["chunks"])
        self.assertEqual(status["bytes"], sum(os.path.getsize(file) for file in files))
        self.assert_sound()

    def test_a_rerun_finds_everything_unchanged(self):
        first = self.run_penstock("backfill", self.samples, "--json", expect=3).summary()
        again = self.run_penstock("backfill", self.samples, "--json", expect=3).summary()
        self.assertEqual(again["unchanged"], first["seen"])
        self.assertEqual(again["documents"], first["documents"])

    def test_a_changed_document_is_replaced(self):
        path = self.write("a.txt", "The miller opens the gate.")
        self.run_penstock("backfill", self.docs)
        self.write("a.txt", "The lighthouse keeper lights the lamp.")
        self.run_penstock("backfill", self.docs)
        hits = self.run_penstock("search", "miller", "--json").json()
        self.assertEqual([hit["text"] for hit in hits], ["The lighthouse keeper lights the lamp.\n"])
        self.assertEqual(hits[0]["key"], path)
        self.assert_sound()

    def test_documents_are_taken_by_content_not_by_name(self):
        shutil.copy(os.path.join(self.samples, "backpressure.pdf"), os.path.join(self.docs, "x.txt"))
        self.write("y.pdf", "# Plain text under a wrong name\n")
        ran = self.run_penstock("backfill", self.docs, "--json")
        self.assertEqual(ran.summary()["documents"]["done"], 2)

    def test_prune_removes_what_vanished_and_nothing_else(self):
        gone = self.write("deep/gone.txt", "vanishing words")
        kept = self.write("kept.txt", "lasting words")
        self.write("other.md", "words of another kind")
        self.run_penstock("backfill", self.docs)
        os.remove(gone)
        summary = self.run_penstock("backfill", self.docs, "--json").summary()
        self.assertEqual(summary["pruned"], 0)
        self.assertIn(gone, self.keys_found("vanishing"))
        # What a glob leaves out is still there, so it has not vanished.
        summary = self.run_penstock("backfill", self.docs, "--include", "*.txt", "--prune",
                                    "--json").summary()
        self.assertEqual(summary["pruned"], 1)
        self.assertNotIn(gone, self.keys_found("vanishing"))
        status = self.run_penstock("status", "--json").json()[-1]
        self.assertEqual(status["documents"]["done"], 2)
        self.assertIn(kept, self.keys_found("lasting"))
        self.assert_sound()

    def test_prune_does_not_believe_an_empty_folder(self):
        path = self.write("a.txt", "words")
        self.run_penstock("backfill", self.docs)
        os.remove(path)
        ran = self.run_penstock("backfill", self.docs, "--prune", "--json")
        self.assertEqual(ran.summary()["pruned"], 0)
        self.assertIn("holds none of its 1 document any more", ran.err)
        self.assertEqual(self.keys_found("words"), [path])
        with open(os.path.join(self.folder, "other.txt"), "w") as file:
            file.write("something else")
        ran = self.run_penstock("backfill", self.folder, "--prune", "--json")
        self.assertEqual(ran.summary()["pruned"], 1)
        self.assertNotIn(path, self.keys_found("words"))

    def test_a_dry_run_tells_what_a_run_would_do_and_stores_nothing(self):
        for name in ("a.txt", "b.txt", "c.txt"):
            self.write(name, "The same words " + ("twice" if name != "c.txt" else "once"))
        ran = self.run_penstock("backfill", self.docs, "--dry-run", "--price-per-million", "100",
                                "--tokens-per-minute", "10", "--json")
        estimate = ran.events("estimate")[0]
        self.assertFalse(os.path.exists(self.store))
        real = self.run_penstock("backfill", self.docs, "--json").summary()
        self.assertEqual(estimate["tokens"], real["tokens"])
        self.assertEqual(estimate["documents"], 3)
        self.assertEqual(estimate["duplicates"], 1)
        self.assertAlmostEqual(estimate["cost"], real["tokens"] / 1e4)
        self.assertAlmostEqual(estimate["embedding_minutes"], real["tokens"] / 10)
        # And what is done already costs nothing more.
        again = self.run_penstock("backfill", self.docs, "--dry-run", "--json").events("estimate")[0]
        self.assertEqual((again["documents"], again["unchanged"], again["tokens"]), (0, 3, 0))
        self.assertIn("would embed 0 tokens of 0 documents;",
                      self.run_penstock("backfill", self.docs, "--dry-run").out)

    def test_a_list_on_standard_input(self):
        a = self.write("a.txt", "one")
        b = self.write("b.txt", "two")
        self.run_penstock("backfill", "-", text=f"{a}\n{b}\n")
        self.assertEqual(set(self.keys_found("one")), {a, b})

    def test_a_manifest_names_keys(self):
        self.write("a.txt", "one")
        manifest = self.write("list.jsonl", '{"path": "a.txt", "key": "first", "metadata": {"x": 1}}\n')
        self.run_penstock("backfill", manifest)
        self.assertEqual(self.keys_found("one"), ["first"])

    def test_a_file_that_vanishes_is_an_outcome(self):
        a = self.write("a.txt", "one")
        missing = os.path.join(self.docs, "missing.pdf")
        ran = self.run_penstock("backfill", "-", "--json", text=f"{a}\n{missing}\n", expect=3)
        self.assertEqual(ran.summary()["documents"]["unreadable"], 1)
        listed = self.run_penstock("status", "--failed", "--json").json()
        self.assertEqual(listed[0]["key"], missing)
        self.assertEqual(listed[0]["message"], "vanished before it was read")

    def test_file_names_of_any_bytes(self):
        name = os.path.join(os.fsencode(self.docs), b"line\nbreak \x1b[31m \xc2\x9b31m \xff.txt")
        with open(name, "wb") as file:
            file.write(b"strange words")
        self.run_penstock("backfill", self.docs)
        out = self.run_penstock("search", "strange").out
        self.assertNotIn("\x1b", out)
        self.assertNotIn("\x9b", out)
        self.assertIn("\\xff", self.keys_found("strange")[0].lower())


    def test_what_a_text_lacks_is_a_warning(self):
        # A form that shows itself.
        self.write("loop.pdf", """%PDF-1.4
1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj
2 0 obj<</Type/Pages/Kids[3 0 R]/Count 1>>endobj
3 0 obj<</Type/Page/Parent 2 0 R/MediaBox[0 0 600 800]/Contents 4 0 R/Resources
<</XObject<</F 5 0 R>>/Font<</H<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>>>>>>>endobj
4 0 obj<</Length 46>>stream
BT /H 12 Tf 72 700 Td (turbine) Tj ET /F Do   
endstream endobj
5 0 obj<</Type/XObject/Subtype/Form/BBox[0 0 9 9]/Resources<</XObject<</F 5 0 R>>>>/Length 5>>stream
/F Do
endstream endobj
trailer<</Root 1 0 R>>
""")
        ran = self.run_penstock("backfill", self.docs)
        warning = "page 1: a form contains itself"
        self.assertIn(f"warning        {self.docs}/loop.pdf: {warning}\n", ran.err)
        self.assertIn(f"penstock status --warnings --store {self.store}   says what 1 document lacks", ran.out)
        listed = self.run_penstock("status", "--warnings", "--json").json()
        self.assertEqual([line.get("message") for line in listed], [warning, None])
        self.assertEqual(len(self.keys_found("turbine")), 1)

    def test_both_extractors_read_the_same_words(self):
        self.run_penstock("backfill", self.samples, "--include", "*.pdf", expect=3)
        ours = self.run_penstock("status", "--json").json()[-1]
        again = self.run_penstock("backfill", self.samples, "--include", "*.pdf", "--extractor",
                                  "poppler", "--json", expect=3).summary()
        self.assertEqual(again["unchanged"], 0)  # another extractor makes other versions
        self.assertEqual(again["documents"], ours["documents"])
        self.assertLess(abs(again["tokens"] - ours["tokens"]), 0.02 * ours["tokens"])
        self.assert_sound()


class Interruption(Case):
    def started_on_a_list(self, path):
        """A run that has finished one document and waits for the next line of its list."""
        process = self.start("backfill", "-", "--json")
        process.stdin.write(path + "\n")
        process.stdin.flush()
        while (event := json.loads(process.stdout.readline()))["event"] == "progress":
            pass  # a slow machine
        self.assertEqual(event["event"], "document")
        return process

    def test_a_second_run_on_a_store_is_refused(self):
        first = self.started_on_a_list(self.write("a.txt", "one"))
        self.fails_with(
            f"{self.store}: in use by another penstock (process {first.pid}); wait for it to finish, "
            "or stop it", "backfill", self.docs)
        self.assertEqual(self.keys_found("one"), [os.path.join(self.docs, "a.txt")])
        first.communicate()
        self.assertEqual(first.returncode, 0)

    def test_an_interrupt_finishes_what_is_in_flight(self):
        path = self.write("a.txt", "one")
        process = self.started_on_a_list(path)
        process.send_signal(signal.SIGINT)
        out, _ = process.communicate(timeout=60)
        self.assertEqual(process.returncode, 130)
        summary = json.loads(out.splitlines()[-1])
        self.assertTrue(summary["interrupted"])
        self.assertEqual(summary["documents"]["done"], 1)
        self.assert_sound()

    def test_a_second_interrupt_stops_at_once(self):
        self.write("a.txt", "one")
        process = self.started_on_a_list(os.path.join(self.docs, "a.txt"))
        # Extraction that has stopped would drain for a minute.
        with open(f"/proc/{process.pid}/task/{process.pid}/children") as file:
            children = file.read().split()
        for task in os.listdir(f"/proc/{process.pid}/task"):
            with open(f"/proc/{process.pid}/task/{task}/children") as file:
                children += file.read().split()
        self.assertTrue(children)
        for child in set(children):
            os.kill(int(child), signal.SIGSTOP)
        process.stdin.write(self.write("b.txt", "two") + "\n")
        process.stdin.flush()
        process.send_signal(signal.SIGINT)
        while json.loads(process.stdout.readline())["event"] != "draining":
            pass
        process.send_signal(signal.SIGINT)
        out, _ = process.communicate(timeout=60)
        self.assertEqual(process.returncode, 130)
        self.assertNotIn('"summary"', out)  # which a run that drains ends with
        self.run_penstock("backfill", self.docs)
        self.assertEqual(len(self.keys_found("two")), 2)
        self.assert_sound()

    def test_a_full_disk_is_told_and_loses_nothing(self):
        process = self.started_on_a_list(self.write("a.txt", "one"))
        resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (100_000, resource.RLIM_INFINITY))
        _, err = process.communicate("\n".join(sorted(glob.glob(self.samples + "/*.*"))))
        self.assertEqual(process.returncode, 1)
        self.assertRegex(err, rf"^penstock: {self.store}: .*\n$")
        self.run_penstock("backfill", self.samples, expect=3)
        self.assert_sound()
        undisturbed = os.path.join(self.folder, "other.db")
        self.run_penstock("backfill", self.docs, self.samples, "--store", undisturbed, expect=3,
                          store=False)
        both = [self.run_penstock("status", "--json", "--store", store, store=False).out
                for store in (self.store, undisturbed)]
        self.assertEqual(*both)


class Commands(Case):
    def test_search_by_path_and_hits(self):
        a = self.write("one/a.txt", "the gate of the mill")
        b = self.write("two/b.txt", "the gate of the castle")
        self.run_penstock("backfill", self.docs)
        self.assertEqual(self.keys_found("gate of the mill"), [a, b])
        self.assertEqual(self.keys_found("gate", "--path", "**/two/*"), [b])
        self.assertEqual(self.keys_found("gate of the castle", "--hits", "1"), [b])
        self.assertIn("nothing found", self.run_penstock("search", "gate", "--path", "none").out)

    def test_every_sample_is_found_by_its_own_words(self):
        self.run_penstock("backfill", self.samples, "--include", "*.pdf", expect=3)
        for name in ("backpressure", "lighthouse", "bicycle", "bread", "bloom-filter"):
            query = name.replace("-", " ")
            self.assertEqual(os.path.basename(self.keys_found(query)[0]), name + ".pdf")

    def test_retry_takes_what_failed_again(self):
        path = self.write("a.pdf", "%PDF-1.4 but no more")
        self.run_penstock("backfill", self.docs, expect=3)
        shutil.copy(os.path.join(self.samples, "tides.pdf"), path)
        summary = self.run_penstock("retry", "--failed", "--json").summary()
        self.assertEqual((summary["seen"], summary["documents"]["done"]), (1, 1))
        self.assertEqual(self.run_penstock("retry", path, "--json").summary()["seen"], 1)
        self.assertEqual(self.run_penstock("status", "--outcome", "done", "--json").json()[0]["attempts"], 3)
        self.fails_with("nobody: no such document; penstock status --outcome done lists keys",
                        "retry", "nobody")
        self.fails_with("retry what? --failed, --outcome NAME, or the documents' keys", "retry")

    def test_fsck_finds_damage_and_mends_it(self):
        self.run_penstock("backfill", self.samples, expect=3)
        before = self.run_penstock("status", "--json").out
        database = sqlite3.connect(self.store)
        lost = database.execute("DELETE FROM vectors WHERE (id >> 20) % 5 = 0").rowcount
        database.commit()
        database.close()
        self.assertGreater(lost, 0)
        ran = self.run_penstock("fsck", "--json", expect=3)
        report = ran.events("fsck")[0]
        self.assertFalse(report["sound"])
        self.assertEqual(report["incomplete"], len(ran.events("finding")))
        self.assertGreater(report["incomplete"], 0)
        self.run_penstock("fsck", "--repair")
        self.assert_sound()
        self.assertEqual(self.run_penstock("status", "--json").out, before)

    def test_fsck_tells_of_a_damaged_file(self):
        self.run_penstock("backfill", self.samples, expect=3)
        with open(self.store, "r+b") as file:
            file.seek(4096 * 3)
            file.write(b"\xff" * 4096)
        ran = self.run_penstock("fsck", expect=1)
        self.assertRegex(ran.err, rf"^penstock: {self.store}: .*\n$")

    def test_doctor(self):
        self.assertIn("does not exist yet; penstock backfill makes it", self.run_penstock("doctor").out)
        self.run_penstock("backfill", self.samples, expect=3)
        checks = self.run_penstock("doctor", "--json").json()
        self.assertTrue(all(check["ok"] for check in checks), checks)


class BadInput(Case):
    def test_output_that_cannot_be_written_is_told(self):
        self.write("a.txt", "words")
        for command in (["backfill", self.docs, "--json"], ["status"], ["search", "words"]):
            with open("/dev/full", "w") as full:
                ran = subprocess.run([penstock, *command, "--store", self.store], stdout=full,
                                     stderr=subprocess.PIPE, text=True)
            self.assertEqual((ran.returncode, len(ran.stderr.splitlines())), (1, 1), ran.stderr)

    def test_what_cannot_work_is_told_in_one_line(self):
        missing = os.path.join(self.folder, "missing")
        self.fails_with(f"no such file or folder: {missing}", "backfill", missing)
        self.fails_with(f"{self.store} does not exist; penstock backfill makes it", "search", "x")
        self.fails_with(f"{self.store} does not exist; penstock backfill makes it", "status")
        self.fails_with("--store is empty; give it the path of a file", "backfill", self.docs,
                        "--store", "", store=False)
        self.fails_with("--embedder magic:: not a known URL; write lexical: or openai:BASE-URL",
                        "backfill", self.docs, "--embedder", "magic:")
        self.fails_with("--overlap-tokens 20 must be less than half of --chunk-tokens 32", "backfill",
                        self.docs, "--chunk-tokens", "32", "--overlap-tokens", "20")

    def test_a_store_that_cannot_be_written(self):
        for store in ("/proc/s.db", os.path.join(self.folder, "no/such/folder/s.db"), self.docs):
            ran = self.run_penstock("backfill", self.samples, "--store", store, expect=1, store=False)
            self.assertRegex(ran.err, rf"^penstock: {store}.*\n$")

    def test_a_file_that_is_no_store(self):
        with open(self.store, "w") as file:
            file.write("Dear diary, " * 1000)
        message = f"{self.store}: not a penstock store; choose another --store"
        self.fails_with(message, "status")
        self.fails_with(message, "backfill", self.docs)
        with open(self.store) as file:
            self.assertTrue(file.read().startswith("Dear diary"))

    def test_usage(self):
        for arguments in ([], ["fly"], ["backfill"], ["backfill", "x", "--chunk-tokens", "3"],
                          ["backfill", "x", "--max-cost", "1"],
                          ["backfill", "x", "--dry-run", "--price-per-million", "-1"],
                          ["backfill", "x", "--dry-run", "--price-per-million", "nan"],
                          ["serve", "--interactive-share", "nan"]):
            ran = self.run_penstock(*arguments, expect=2, store=False)
            self.assertEqual(len(ran.err.splitlines()), 1, ran.err)
            self.assertLess(len(ran.err), 200, ran.err)
            self.assertEqual(ran.out, "")

    def test_options_come_from_flags_then_environment_then_file(self):
        self.write("a.txt", "words")
        with open(os.path.join(self.folder, "penstock.toml"), "w") as file:
            file.write('[backfill]\nstore = "file.db"\n')
        self.run_penstock("backfill", self.docs, store=False)
        self.assertTrue(os.path.exists(os.path.join(self.folder, "file.db")))
        environment = dict(os.environ, PENSTOCK_STORE="environment.db")
        self.run_penstock("backfill", self.docs, store=False, env=environment)
        self.assertTrue(os.path.exists(os.path.join(self.folder, "environment.db")))
        self.run_penstock("backfill", self.docs, env=environment)
        self.assertTrue(os.path.exists(self.store))

    def test_a_quoted_value_of_the_file_may_hold_what_begins_a_comment(self):
        self.write("a.txt", "words")
        with open(os.path.join(self.folder, "penstock.toml"), "w") as file:
            file.write('[backfill]  # "1\nstore = "file #1.db"  # of "1"\n')
        self.run_penstock("backfill", self.docs, store=False)
        self.assertTrue(os.path.exists(os.path.join(self.folder, "file #1.db")))

    def test_an_option_that_the_file_misspells_is_told(self):
        with open(os.path.join(self.folder, "penstock.toml"), "w") as file:
            file.write("[search]\nhits = 3\n[backfill]\nchunk-tokenz = 30\n")
        ran = self.run_penstock("backfill", self.docs, expect=2)
        self.assertEqual(ran.err, "penstock: the configuration file has an unknown option "
                                  "backfill.chunk-tokenz; see penstock --help\n")
        self.assertFalse(os.path.exists(self.store))


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0], *sys.argv[3:]])
