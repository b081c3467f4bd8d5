#!/usr/bin/env python3
"""Whether `penstock capacity` loads what is no service: an engine in its own process, a fleet's queue.

usage: capacity_destinations.py PENSTOCK MAKE_FIXTURES [AREA]
"""
import csv
import json
import os
import signal
import sqlite3
import sys
import unittest

from capacity_runs import Runs, child_of
from cases import wait_until
from servers import make_database, of_its_own, server


class Engine(Runs):
    def test_an_engine_in_the_process_does_all_that_it_is_handed(self):
        out = self.capacity((0, 12), system='destination = "engine"\narguments = ["--concurrency", "7"]',
                            measure="start", env=self.here())
        self.assert_all_done()
        self.assertEqual(self.json["destination"], "engine")
        self.assertEqual(self.json["documents_in_flight_max"], 7)
        self.assertIn("of its thread", next(check["value"] for check in self.json["checks"]
                                            if check["name"] == "generator CPU"))
        self.assertIn("an engine in the generator's process", out)
        with open(os.path.join(self.report, "samples.csv")) as file:
            samples = list(csv.DictReader(file))
        self.assertEqual({sample["generator_memory"] for sample in samples}, {""})
        self.assertTrue(any(float(sample["system_cpu_cores"] or 0) > 0 for sample in samples))

    def test_an_engine_embeds_with_the_emulated_provider(self):
        provider = "[provider]\nkeys = 2\ntokens_per_minute = 1000000\nlatency = \"5ms-10ms\""
        self.capacity((0, 12), system='destination = "engine"\n' + provider, measure="start", env=self.here())
        self.assert_all_done()
        self.assertGreater(sum(key["tokens_used"] for key in self.json["keys"]), 0)

    def test_arguments_that_are_none_are_refused(self):
        said = self.refused(system='destination = "engine"\narguments = ["--queue", "redis://h"]', measure="start")
        self.assertIn("[system] arguments: ", said)
        self.assertIn("--queue", said)


class Queue(Runs):
    def test_a_queue_and_a_worker_that_it_starts_keep_a_target(self):
        out = self.capacity((0, 12), system='destination = "queue"', env=self.here())
        self.assert_all_done()
        self.assertEqual((self.json["destination"], self.json["documents_in_flight_max"]), ("queue", 50))
        self.assertIn("1 penstock worker, queue in a file", out)
        for arrival in self.arrivals:
            self.assertLessEqual(float(arrival["issued_s"]), float(arrival["accepted_s"]))

    def there(self):
        """A queue of somebody's, with workers of its own."""
        self.queue = os.path.join(self.folder, "queue.db")
        self.blobs = os.path.join(self.folder, "blobs")
        return (f'destination = "queue"\nworkers = 0\nqueue = "sqlite:{self.queue}"\n'
                f'store = "{self.store}"\nblobs = "{self.blobs}"')

    def start_worker(self):
        worker = self.start("worker", "--queue", "sqlite:" + self.queue, "--lease", "2", "--json")
        self.assertIn("worker", json.loads(worker.stdout.readline()))
        return worker

    def test_workers_that_are_there_keep_a_target_and_their_own_documents(self):
        system = self.there()
        self.write("mine.txt", "a document of somebody else")
        self.run_penstock("enqueue", self.docs, "--queue", "sqlite:" + self.queue, store=False)
        worker = self.start_worker()
        self.capacity((0, 12), system=system)
        self.assert_all_done()
        worker.terminate()
        worker.communicate(timeout=60)
        self.assertEqual(len(os.listdir(self.blobs)), len(self.arrivals))
        self.assertEqual(os.path.basename(self.keys_found("somebody")[0]), "mine.txt")

    def test_a_document_that_a_killed_worker_had_and_the_queue_dropped_is_lost_by_name(self):
        system = self.there()
        worker = self.start_worker()
        queue = sqlite3.connect(self.queue, timeout=60, isolation_level=None)
        self.addCleanup(queue.close)
        run = self.begin(system=system, per_second=50)

        def taken():
            """A document that the worker has, once it stands still with one."""
            os.kill(worker.pid, signal.SIGSTOP)
            key = queue.execute("SELECT min(key) FROM queue WHERE state = 'leased'").fetchone()[0]
            if not key:
                os.kill(worker.pid, signal.SIGCONT)
            return key

        key = wait_until(taken)
        worker.kill()
        worker.communicate(timeout=60)
        queue.execute("DELETE FROM queue WHERE key = ?", (key,))
        other = self.start_worker()
        self.finish(run, 10)
        self.assertEqual(self.json["conservation"]["lost"], 1)
        self.assertEqual([arrival["id"] for arrival in self.arrivals if arrival["ending"] == "lost"], [key])
        self.assertIn(key, self.json["sentence"])
        other.terminate()
        other.communicate(timeout=60)

    def test_its_only_worker_is_killed(self):
        run = self.begin(system='destination = "queue"', length="60s", env=self.here())
        wait_until(lambda: "steady" in run.stderr.readline())
        os.kill(child_of(run, "worker"), signal.SIGKILL)
        self.finish(run, 10)
        self.assertIn("penstock worker was killed by signal 9 in the middle of the run", self.json["sentence"])
        self.assertIn("whole run", self.broken_checks())

    def test_what_makes_no_sense_is_refused_with_one_line(self):
        for keys, said in (('queue = "redis://127.0.0.1:1"', "redis://127.0.0.1:1"),
                           ('queue = "carrier:pigeon"', "not a known URL"),
                           ('blobs = "/proc"', "[system] blobs: /proc/penstock"),
                           ('arguments = ["--until-empty"]', "--until-empty"),
                           ('url = "http://127.0.0.1:1"', "has no meaning")):
            self.assertIn(said, self.refused(system=f'destination = "queue"\n{keys}'))


class RedisQueue(Runs):
    def test_workers_of_a_redis_and_a_postgres_keep_a_target(self):
        ledger = make_database(self, "PENSTOCK_TEST_PGVECTOR")
        self.capacity((0, 12), env=self.here(LOAD_QUEUE=server("PENSTOCK_TEST_REDIS"), LOAD_LEDGER=ledger),
                      system='destination = "queue"\nworkers = 2\nqueue = "$LOAD_QUEUE"\nledger = "$LOAD_LEDGER"\n'
                      'vectors = "pgvector:"')
        self.assert_all_done()
        self.assertIn("queue $LOAD_QUEUE", self.json["system"])

    def test_a_fleet_goes_on_without_a_worker_that_is_killed(self):
        ledger = make_database(self, "PENSTOCK_TEST_PGVECTOR")
        run = self.begin(env=self.here(LOAD_QUEUE=server("PENSTOCK_TEST_REDIS"), LOAD_LEDGER=ledger), length="4s",
                         system='destination = "queue"\nworkers = 2\nqueue = "$LOAD_QUEUE"\n'
                         'ledger = "$LOAD_LEDGER"\nvectors = "pgvector:"\narguments = ["--lease", "2"]')
        wait_until(lambda: "steady" in run.stderr.readline())
        os.kill(child_of(run, "worker"), signal.SIGKILL)
        self.finish(run, 10)
        self.assertIn("penstock worker was killed by signal 9 in the middle of the run", self.json["sentence"])
        self.assertEqual(self.json["conservation"]["done"], len(self.arrivals))
        self.assertNotIn("whole run", self.broken_checks())

    def test_workers_of_a_redis_that_are_there_have_a_clock_that_is_known(self):
        name = of_its_own("queue")
        worker = self.start("worker", "--queue", server("PENSTOCK_TEST_REDIS"), "--queue-name", name, "--json")
        self.assertIn("worker", json.loads(worker.stdout.readline()))
        self.capacity((0, 12), env=self.here(LOAD_QUEUE=server("PENSTOCK_TEST_REDIS")),
                      system=f'destination = "queue"\nworkers = 0\nqueue = "$LOAD_QUEUE"\nqueue_name = "{name}"\n'
                      f'store = "{self.store}"\nblobs = "{self.folder}/blobs"')
        self.assert_all_done()
        # Both are this machine.
        self.assertLessEqual(abs(self.json["clock"]["offset_s"]), self.json["clock"]["doubt_s"])
        worker.terminate()
        worker.communicate(timeout=60)


if __name__ == "__main__":
    unittest.main(argv=["capacity_destinations", *sys.argv[3:]])
