#!/usr/bin/env python3
"""Whether a run that must fail fails, and says by what: a store, a quota, a server or a generator that
something is wrong with. What is done to them is so much that no machine is too slow to show it.

usage: capacity_causes.py PENSTOCK MAKE_FIXTURES [AREA]
"""
import os
import signal
import sqlite3
import subprocess
import sys
import threading
import time
import unittest

from capacity_runs import Runs, child_of, pass_on
from cases import wait_until


class Lock:
    """Another process of the store's machine, which writes for long, again and again."""

    def __init__(self, path, held_s, free_s):
        self.over = threading.Event()
        self.thread = threading.Thread(target=self.hold, args=(path, held_s, free_s), daemon=True)
        self.thread.start()

    def hold(self, path, held_s, free_s):
        while not os.path.exists(path):
            if self.over.wait(0.02):
                return
        database = sqlite3.connect(path, isolation_level=None, timeout=30)
        while not self.over.wait(free_s):
            database.execute("BEGIN IMMEDIATE")
            self.over.wait(held_s)
            database.execute("ROLLBACK")
        database.close()

    def end(self):
        self.over.set()
        self.thread.join()


class System(Runs):
    def test_a_slowed_store(self):
        vectors = os.path.join(self.folder, "vectors.db")
        lock = Lock(vectors, held_s=1.5, free_s=0.05)
        self.addCleanup(lock.end)
        self.misses(system=f'arguments = ["--vectors", "sqlite:{vectors}"]', measure="done", limit=0.1,
                    per_second=30, length="6s")
        self.assertIn(" store (", self.json["bound_by"])
        stages = {stage["name"]: stage["mean_s"] for stage in self.json["stages"]}
        del stages["queue"]  # documents that wait until others are stored
        self.assertEqual(max(stages, key=stages.get), "store")

    def test_a_quota_that_is_too_small(self):
        self.misses(system='arguments = ["--request-inputs", "1"]\n'
                           '[provider]\ntokens_per_minute = 60_000\nlatency = "0ms"',
                    kind='size = "20KB"\ntext = "3KB"', phase='plan = "closed"\nlength = "5s"\nconcurrency = 130',
                    measure="done", limit=1, drain="3s")
        self.assertTrue(self.json["bound_by"].startswith("bound by tokens per minute of key 1 ("),
                        self.json["bound_by"])
        self.assertGreater(self.json["conservation"]["in_flight"], 0)

    def test_a_server_that_answers_late(self):
        def upload(handler, number, body):
            time.sleep(3)
            pass_on(handler, body)

        self.misses(url=self.behind(upload), limit=1)
        stages = {stage["name"]: stage["mean_s"] for stage in self.json["stages"]}
        self.assertEqual(max(stages, key=stages.get), "upload")

    def test_a_server_that_answers_something_else(self):
        self.misses(url=self.behind(lambda handler, number, body: handler.answer(202, b"<html>It works!</html>")))
        self.assertEqual(self.json["conservation"]["accepted"], 0)
        self.assertEqual([error["what"] for error in self.json["errors"]], ["202: 202 without an id"])

    def test_a_server_that_refuses(self):
        def upload(handler, number, body):
            if number % 4 == 0:
                return pass_on(handler, body)
            handler.answer(500, b'{"title": "it is not my day"}')

        self.misses(url=self.behind(upload))
        self.assertIn("it is not my day", self.said)

    def test_a_service_that_is_killed(self):
        run = self.begin(length="60s")
        service = wait_until(lambda: child_of(run, "serve"))
        wait_until(lambda: "steady" in run.stderr.readline())
        os.kill(service, signal.SIGKILL)
        self.finish(run, 10)
        self.assertIn("penstock serve was killed by signal 9 in the middle of the run", self.json["sentence"])
        self.assertFalse(self.json["valid"])

    def test_a_service_elsewhere_that_is_gone(self):
        def upload(handler, number, body):
            if number == 20:
                self.process.kill()
            pass_on(handler, body)

        self.capacity(12, url=self.behind(upload), drain="1s")
        self.assertIn("whole run", self.broken_checks())
        self.assertTrue(self.json["sentence"].startswith("it was broken off: "), self.json["sentence"])


class Generator(Runs):
    def stopped(self, seconds, answer_s=0):
        """A proxy's url, behind which the generator stands still for a while after its 20th upload."""
        def upload(handler, number, body):
            if number == 20:
                self.run_of_it.send_signal(signal.SIGSTOP)
                time.sleep(seconds)
                self.run_of_it.send_signal(signal.SIGCONT)
            time.sleep(answer_s)
            pass_on(handler, body)

        return self.behind(upload)

    def test_a_starved_generator_is_no_measure(self):
        """What it was late by is more than the target allows, and nothing that the system did."""
        self.run_of_it = self.begin(url=self.stopped(seconds=3), limit=1, per_second=20, length="3s")
        self.finish(self.run_of_it, 12)
        self.assertIn("issue delay", self.broken_checks())
        target, = self.json["targets"]
        self.assertEqual(target["verdict"], "invalid")
        self.assertGreater(target["misses"], target["misses_allowed"])
        self.assertIn("uploads left the generator late", self.said)

    def test_one_that_is_interrupted(self):
        def upload(handler, number, body):
            if number == 20:
                self.run_of_it.send_signal(signal.SIGINT)
            pass_on(handler, body)

        self.run_of_it = self.begin(url=self.behind(upload), length="60s")
        out = self.finish(self.run_of_it, 12)
        self.assertTrue(out.startswith("INVALID  it was broken off: it was interrupted"), out)
        self.assertTrue(self.json["conservation"]["holds"])
        self.assertEqual(sorted(os.listdir(self.report)), ["arrivals.csv", "report.html", "report.json",
                                                           "report.md", "report.xml", "samples.csv"])


class Options(Runs):
    def test_kept_is_what_the_system_left(self):
        self.capacity((0, 12), "--keep", env={**os.environ, "TMPDIR": self.folder})
        kept, = (os.path.join(self.folder, name) for name in os.listdir(self.folder)
                 if name.startswith("penstock-capacity"))
        self.assertIn(f"kept in {kept}", self.said)
        self.assertLessEqual({"penstock.db", "service.log"}, set(os.listdir(kept)))
        self.store = os.path.join(kept, "penstock.db")
        self.at = ("--store", self.store)
        self.assert_sound()

    def test_reports_that_cannot_be_written_are_told_of_before_the_run(self):
        file = self.write("file.txt", "no folder")
        ran = self.run_penstock("capacity", self.profile(), "--report", os.path.join(file, "report"), expect=1,
                                store=False)
        self.assertEqual((ran.out, len(ran.err.splitlines())), ("", 1), ran.err)
        self.assertIn("file.txt/report: ", ran.err)

    def test_what_no_system_could_do_is_not_begun(self):
        def refused(sentence, **options):
            ran = self.run_penstock("capacity", self.profile(**options), "--report", "report", expect=2,
                                    store=False, env={**os.environ, "TMPDIR": self.folder})
            self.assertIn(sentence, ran.err)
            self.assertEqual(ran.out, "")
            self.assertFalse(os.path.exists(os.path.join(self.folder, "report")))

        refused("5.0 GB/s", kind='size = "10MB"', phase='plan = "burst"\ndocuments = 1_000', limit=2, fraction=0.99)
        refused("what waits would only grow", system="[provider]\ntokens_per_minute = 90_000",
                phase='plan = "constant"\nlength = "5m"\nper_second = 20')

    def test_a_service_with_keys_and_a_certificate(self):
        certificate, key = (os.path.join(self.folder, name) for name in ("c.pem", "k.pem"))
        subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", key, "-out",
                        certificate, "-days", "2", "-subj", "/CN=localhost", "-addext",
                        "subjectAltName=IP:127.0.0.1"], check=True, capture_output=True)
        self.key = self.make_key("load", *(f"--scope={scope}" for scope in ("upload", "read", "admin")))["key"]
        self.serve("--certificate", certificate, "--certificate-key", key, "--api-keys", self.keys_file)
        env = {**os.environ, "SSL_CERT_FILE": certificate, "PENSTOCK_API_KEY": self.key}
        self.capacity((0, 10, 12), url=self.url, env=env)
        self.assertEqual(self.json["conservation"]["done"], len(self.arrivals))
        self.assertTrue(self.json["conservation"]["holds"])
        with open(os.path.join(self.report, "report.json")) as report:
            self.assertNotIn(self.key, report.read())

        ran = self.run_penstock("capacity", self.profile(url=self.url), expect=1, store=False,
                                env={**env, "PENSTOCK_API_KEY": "psk_wrong"})
        self.assertIn("401", ran.err)
        del env["SSL_CERT_FILE"]
        ran = self.run_penstock("capacity", self.profile(url=self.url), expect=1, store=False, env=env)
        self.assertIn("certificate", ran.err)


if __name__ == "__main__":
    unittest.main(argv=["capacity_causes", *sys.argv[3:]])
