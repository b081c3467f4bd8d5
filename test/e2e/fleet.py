#!/usr/bin/env python3
"""A fleet as its owner meets it: documents are enqueued, workers take them, some are ended or killed in
the middle, and everything is still there exactly once.

usage: fleet.py PENSTOCK MAKE_FIXTURES [unittest arguments]
"""
import json
import os
import shutil
import signal
import sys
import time
import unittest
import urllib.request

from cases import Case, wait_until
from servers import behind_pgbouncer, make_database, of_its_own, psql, server

NOTHING = {"waiting": 0, "leased": 0, "delayed": 0}


class Fleet:
    """What every queue promises, to workers that share a Postgres behind PgBouncer and a pgvector."""

    def setUp(self):
        super().setUp()
        self.queue = ("--queue", self.queue_url(), "--queue-name", of_its_own("queue"))
        self.vectors = make_database(self, "PENSTOCK_TEST_PGVECTOR")
        self.at = ("--ledger", behind_pgbouncer(make_database(self, "PENSTOCK_TEST_POSTGRES")),
                   "--vectors", "pgvector:" + self.vectors)

    def enqueue(self, *arguments, **options):
        return self.run_penstock("enqueue", self.docs, *self.queue, "--json", *arguments, store=False,
                                 **options).summary()

    def start_worker(self, *arguments):
        return self.start("worker", *self.queue, "--json", *arguments)

    def work(self, *arguments, **options):
        return self.run_penstock("worker", *self.queue, "--until-empty", "--json", *arguments, **options)

    def status(self):
        return self.run_penstock("status", *self.queue, "--json").json()[-1]

    def lane(self, name="bulk"):
        lane = self.status()["queue"]["lanes"][name]
        return {state: lane[state] for state in NOTHING}

    def dead_letters(self):
        listed = self.run_penstock("status", "--failed", *self.queue, "--json")
        return {os.path.basename(letter["key"]): letter for letter in listed.events("dead_letter")}

    def take_samples(self, *names):
        for name in names:
            shutil.copy(os.path.join(self.samples, name), self.docs)

    def assert_stored_once(self, documents):
        """Each document's current version, whole and alone."""
        self.assert_sound()
        rows = psql(self.vectors, "SELECT key, count(*) FROM penstock.versions GROUP BY key")
        self.assertEqual(sorted(rows), sorted(f"{os.path.join(self.docs, name)}|1" for name in documents))
        status = self.run_penstock("status", "--json").json()[-1]
        self.assertEqual(status["vectors"], status["chunks"])
        self.assertEqual(status["under_way"], 0)

    def test_a_folder_becomes_searchable_and_what_fails_is_a_dead_letter(self):
        good = ("backpressure.pdf", "lighthouse.pdf", "bicycle.pdf", "bread.pdf", "tides.pdf")
        self.take_samples(*good)
        self.write("empty.pdf", "")
        self.write("broken.pdf", "%PDF-1.4 but no more")
        self.write("picture.pdf", "\x89PNG\r\n\x1a\n\0\0")
        failed = {"broken.pdf": "corrupt", "picture.pdf": "unsupported"}
        documents = len(good) + 1 + len(failed)

        # What changed less than two seconds ago might change again unseen: it is always new.
        changed = max(os.stat(os.path.join(self.docs, name)).st_ctime for name in os.listdir(self.docs))
        wait_until(lambda: time.time() > changed + 2)
        self.assertEqual(self.enqueue()["queued"], documents)
        again = self.enqueue()
        self.assertEqual((again["queued"], again["known"]), (0, documents))

        workers = [self.start_worker("--until-empty") for _ in range(2)]
        ended = [worker.communicate(timeout=120) for worker in workers]
        events = [json.loads(line) for out, _ in ended for line in out.splitlines()]
        seen = {event["key"]: event["outcome"] for event in events if event["event"] == "document"}
        self.assertEqual(len([event for event in events if event["event"] == "document"]), documents)
        self.assertEqual(len(seen), documents)
        failures = [event["failed"] for event in events if event["event"] == "summary"]
        self.assertEqual([worker.returncode for worker in workers],
                         [3 if count else 0 for count in failures], ended)
        self.assertEqual(sum(failures), len(failed))

        status = self.status()
        self.assertEqual(status["documents"]["done"], len(good))
        self.assertEqual(status["documents"]["no_text"], 1)
        self.assertEqual(self.lane(), NOTHING)
        self.assertEqual((status["queue"]["dead"], status["queue"]["workers"]), (len(failed), []))
        letters = self.dead_letters()
        self.assertEqual({name: letter["outcome"] for name, letter in letters.items()}, failed)
        for letter in letters.values():
            self.assertEqual((letter["attempts"], letter["lane"]), (1, "bulk"))
            self.assertTrue(letter["reason"])
        self.assertEqual(os.path.basename(self.keys_found("bicycle")[0]), "bicycle.pdf")
        self.assert_stored_once(good)

        # What is done needs no work, and what is dead waits for retry.
        again = self.enqueue()
        self.assertEqual((again["queued"], again["dead"]), (documents - len(failed), len(failed)))
        self.assertEqual(self.work().summary()["unchanged"], documents - len(failed))

        # One is mended, the other is not.
        shutil.copy(os.path.join(self.samples, "bloom-filter.pdf"), os.path.join(self.docs, "broken.pdf"))
        retried = self.run_penstock("retry", "--failed", *self.queue, "--json").events("retried")
        self.assertEqual(retried, [{"event": "retried", "documents": len(failed)}])
        self.assertEqual(self.lane(), {**NOTHING, "waiting": len(failed)})
        summary = self.work(expect=3).summary()
        self.assertEqual((summary["seen"], summary["documents"]["done"]), (2, 1))
        self.assertEqual(list(self.dead_letters()), ["picture.pdf"])
        self.assert_stored_once((*good, "broken.pdf"))

    def test_a_changed_document_replaces_and_leaves_nothing_behind(self):
        self.write("a.txt", "The miller opens the gate.")
        self.write("b.txt", "The ferryman waits for the tide.")
        self.assertEqual(self.enqueue("--lane", "interactive")["queued"], 2)
        self.work()  # makes the store that status looks at
        self.write("a.txt", "The lighthouse keeper lights the lamp.")
        self.assertEqual(self.enqueue("--lane", "interactive")["queued"], 2)
        self.assertEqual(self.lane("interactive"), {**NOTHING, "waiting": 2})
        self.assertEqual(self.lane("bulk"), NOTHING)
        self.write("b.txt", "The ferryman has gone home.")
        newer = self.enqueue("--lane", "interactive")
        self.assertGreaterEqual(newer["newer"], 1)
        self.assertEqual(self.lane("interactive"), {**NOTHING, "waiting": 2})
        self.assertEqual(self.work().summary()["documents"]["done"], 2)
        texts = {hit["text"] for hit in self.run_penstock("search", "keeper ferryman", "--json").json()}
        self.assertEqual(texts, {"The lighthouse keeper lights the lamp.\n",
                                 "The ferryman has gone home.\n"})
        self.assert_stored_once(("a.txt", "b.txt"))

    def test_a_worker_is_seen_while_it_lives(self):
        worker = self.start_worker()
        name = json.loads(worker.stdout.readline())["worker"]
        self.write("a.txt", "words")
        self.enqueue()
        [seen] = wait_until(lambda: [each for each in self.status()["queue"]["workers"]
                                     if each["done"] == 1])
        self.assertEqual((seen["worker"], seen["draining"]), (name, False))
        self.assertGreater(seen["memory_bytes"], 0)
        worker.terminate()
        out, _ = worker.communicate(timeout=60)
        self.assertEqual(worker.returncode, 0)
        self.assertTrue(json.loads(out.splitlines()[-1])["drained"])
        self.assertEqual(self.status()["queue"]["workers"], [])

    def serve(self, latency, requests_per_minute=1000000):
        """An embedding service; the options of a worker that uses it, a request a chunk."""
        limits = ("--requests-per-minute", str(requests_per_minute), "--tokens-per-minute", "100000000")
        self.service = self.url_of_emulated("openai", "--latency", latency, *limits)
        return ("--embedder", "openai:" + self.service, *limits, "--request-inputs", "1")

    def requests(self):
        with urllib.request.urlopen(self.service.replace("/v1", "/stats"), timeout=60) as response:
            return json.load(response)["requests"]

    def start_and_get_stuck(self, documents, *arguments):
        """A worker whose documents all wait for answers that take longer than a test."""
        for number in range(documents):
            self.write(f"{number}.txt", f"Words of document {number}.")
        self.assertEqual(self.enqueue()["queued"], documents)
        worker = self.start_worker(*self.serve("100s"), *arguments)
        wait_until(lambda: self.requests() == documents)
        self.assertEqual(self.lane(), {**NOTHING, "leased": documents})
        return worker

    def test_a_worker_that_is_told_to_end_gives_back_what_it_cannot_end(self):
        # An answer may take an hour, too.
        worker = self.start_and_get_stuck(6, "--lease", "3600", "--drain-timeout", "0",
                                          "--request-timeout", "3600")
        worker.send_signal(signal.SIGTERM)
        out, err = worker.communicate(timeout=60)
        self.assertEqual(worker.returncode, 0, err)
        self.assertEqual(json.loads(out.splitlines()[-1]), {"event": "given_back", "documents": 6})
        self.assertEqual(self.status()["queue"]["workers"], [])
        # At once, though the lease is an hour long; and it was no attempt, or it would have been the
        # last one.
        self.assertEqual(self.lane(), {**NOTHING, "waiting": 6})
        summary = self.work(*self.serve("0ms"), "--attempts", "1").summary()
        self.assertEqual(summary["documents"]["done"], 6)
        self.assert_stored_once([f"{number}.txt" for number in range(6)])

    def test_a_worker_that_is_told_to_end_does_not_wait_for_the_quota(self):
        for number in range(6):
            self.write(f"{number}.txt", f"Words of document {number}.")
        self.enqueue()
        worker = self.start_worker(*self.serve("0ms", requests_per_minute=1), "--lease", "3600",
                                   "--drain-timeout", "0")
        while json.loads(worker.stdout.readline())["event"] != "document":
            pass
        worker.send_signal(signal.SIGTERM)
        out, err = worker.communicate(timeout=60)
        self.assertEqual(worker.returncode, 0, err)
        summary = json.loads(out.splitlines()[-1])
        self.assertEqual((summary["drained"], summary["documents"]["done"]), (True, 1))
        self.assertEqual(self.lane(), {**NOTHING, "waiting": 5})

    def test_what_a_killed_worker_had_is_done_by_another(self):
        worker = self.start_and_get_stuck(6, "--lease", "2")
        worker.kill()
        summary = self.work(*self.serve("0ms"), "--lease", "2").summary()
        self.assertEqual(summary["documents"]["done"], 6)
        self.assertEqual(self.lane(), NOTHING)
        self.assert_stored_once([f"{number}.txt" for number in range(6)])


class Sqlite(Fleet, Case):
    def queue_url(self):
        return f"sqlite:{self.folder}/queue.db"

    def test_one_worker_needs_no_server_at_all(self):
        self.at = ("--store", self.store)
        self.queue = ("--queue", f"sqlite:{self.store}")
        self.take_samples("bread.pdf", "tides.pdf")
        self.assertEqual(self.enqueue()["queued"], 2)
        worker = self.start_worker()
        wait_until(lambda: len(self.status()["queue"]["workers"]) == 1)
        self.fails_with(f"{self.store}: in use by another penstock (process {worker.pid}); wait for it "
                        "to finish, or stop it", "worker", *self.queue)
        wait_until(lambda: self.status()["documents"]["done"] == 2)
        worker.terminate()
        worker.communicate(timeout=60)
        self.assertEqual(worker.returncode, 0)
        self.assertEqual(os.path.basename(self.keys_found("bread")[0]), "bread.pdf")
        self.assert_sound()


class Redis(Fleet, Case):
    def queue_url(self):
        return server("PENSTOCK_TEST_REDIS")

    def test_a_queue_that_cannot_be_reached_is_told_in_one_line(self):
        self.write("a.txt", "words")
        for command in (["enqueue", self.docs], ["worker", *self.at]):
            ran = self.run_penstock(*command, "--queue", "redis://:secret@127.0.0.1:1", store=False,
                                    expect=1)
            self.assertRegex(ran.err, r"^penstock: redis://127\.0\.0\.1:1: .*\n$")
            self.assertNotIn("secret", ran.err)


class Cluster(Fleet, Case):
    def queue_url(self):
        return server("PENSTOCK_TEST_REDIS_CLUSTER")


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0], *sys.argv[3:]])
