#!/usr/bin/env python3
"""A fleet as its operators meet it: what status tells, how a worker is stopped, what is said while the
queue is away, and names that no database takes as they are.

usage: operations.py PENSTOCK MAKE_FIXTURES [unittest arguments]
"""
import json
import os
import signal
import socket
import subprocess
import sys
import unittest

from cases import Case, penstock
from servers import make_database, server


class FleetCase(Case):
    def start_worker(self, *arguments, **environment):
        """One that ends with the test; its lines of JSON are read one by one."""
        process = subprocess.Popen([penstock, "worker", "--json", *self.queue, "--store", self.store,
                                    *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                                   cwd=self.folder, env=dict(os.environ, **environment))
        self.addCleanup(process.communicate)
        self.addCleanup(process.kill)
        return process

    def wait_for(self, process, name):
        """The worker's next event of this name."""
        for line in process.stdout:
            event = json.loads(line)
            if event["event"] == name:
                return event
        self.fail(f"the worker ended without {name}: {process.stderr.read()}")

    def status(self, *arguments):
        return self.run_penstock("status", "--json", *self.queue, *arguments).json()[-1]

    def enqueue(self):
        self.run_penstock("enqueue", self.docs, *self.queue, store=False)

    def use_redis(self):
        self.queue = ("--queue", server("PENSTOCK_TEST_REDIS"), "--queue-name", f"e2e-{os.getpid()}")

    def use_sqlite(self):
        self.queue = ("--queue", f"sqlite:{self.folder}/queue.db")


class Status(FleetCase):
    def test_a_queue_is_shown_without_a_store(self):
        self.use_sqlite()
        self.write("a.txt", "words")
        self.enqueue()
        shown = self.run_penstock("status", *self.queue)
        self.assertIn(f"sqlite:{self.folder}/queue.db\n\n"
                      "  queue             waiting   in work   delayed  oldest\n"
                      "  interactive             0         0         0\n"
                      "  bulk                    1         0         0  ", shown.out)
        self.assertTrue(shown.out.endswith("  no worker is alive\n"), shown.out)
        self.assertEqual(list(self.status()), ["queue"])
        self.fails_with(f"{self.store} does not exist; penstock backfill makes it", "status")

    def test_workers_and_the_quota_that_they_share(self):
        self.use_redis()
        service = self.url_of_emulated("openai")
        self.write("a.txt", "The miller opens the gate.")
        self.enqueue()
        worker = self.start_worker("--embedder", f"openai:{service}", "--key", "main:600:60000",
                                   "--interactive-share", "0.1", PENSTOCK_API_KEY_MAIN="secret")
        tokens = self.wait_for(worker, "document")["tokens"]
        # A report comes every two seconds.
        while not (workers := self.status()["queue"]["workers"]) or workers[0]["done"] == 0:
            pass
        self.assertEqual(len(workers), 1)
        self.assertGreater(workers[0]["rates"]["documents_per_second"], 0)
        self.assertGreater(workers[0]["memory_bytes"], 1_000_000)
        status = self.status()
        self.assertEqual(status["documents"]["done"], 1)
        quotas = status["queue"]["quotas"]
        self.assertEqual([quota["endpoint"] for quota in quotas], [service])
        self.assertEqual(quotas[0]["interactive_share"], 0.1)
        self.assertEqual(len(quotas[0]["keys"]), 1)
        key = quotas[0]["keys"][0]
        self.assertEqual((key["name"], key["requests_per_minute"], key["tokens_per_minute"]),
                         ("main", 600, 60000))
        self.assertEqual((key["requests"], key["tokens"]), (1, tokens))
        shown = self.run_penstock("status", *self.queue).out
        self.assertIn("  1 worker: ", shown)
        self.assertIn(f"  of {service}; 10% is kept for interactive work\n", shown)
        worker.send_signal(signal.SIGTERM)
        worker.communicate()
        self.assertEqual(self.status()["queue"]["quotas"], [])


class Drain(FleetCase):
    def test_a_worker_that_is_asked_to_stop_ends_well(self):
        self.use_sqlite()
        self.write("a.txt", "words")
        self.write("b.pdf", "%PDF-1.4 but no more")
        self.enqueue()
        for ask in (signal.SIGTERM, signal.SIGINT):
            worker = self.start_worker()
            if ask == signal.SIGTERM:
                for _ in range(2):
                    self.wait_for(worker, "document")
            else:
                self.wait_for(worker, "worker")
            worker.send_signal(ask)
            summary = self.wait_for(worker, "summary")
            worker.communicate()
            self.assertEqual((worker.returncode, summary["exit_code"]), (0, 0))
            self.assertEqual((summary["drained"], summary["interrupted"]), (True, False))
        self.assertEqual(self.status()["queue"]["lanes"]["bulk"]["leased"], 0)

    def test_a_worker_that_ends_by_itself_tells_of_failures(self):
        self.use_sqlite()
        self.write("b.pdf", "%PDF-1.4 but no more")
        self.enqueue()
        self.run_penstock("worker", *self.queue, "--until-empty", expect=3)


class Outage(FleetCase):
    def start_redis(self):
        process = subprocess.Popen(["redis-server", "--port", str(self.port), "--bind", "127.0.0.1",
                                    "--maxmemory-policy", "noeviction", "--save", "", "--appendonly", "yes",
                                    "--dir", self.folder], stdout=subprocess.DEVNULL)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        while True:
            with socket.socket() as connection:
                if connection.connect_ex(("127.0.0.1", self.port)) == 0:
                    return process
            self.assertIsNone(process.poll())

    def test_a_queue_that_is_away_is_told_and_waited_for(self):
        server("PENSTOCK_TEST_REDIS")
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.queue = ("--queue", f"redis://127.0.0.1:{self.port}")
        redis = self.start_redis()
        worker = self.start_worker()
        self.wait_for(worker, "worker")
        redis.kill()
        redis.wait()
        self.assertIn(f"127.0.0.1:{self.port}", self.wait_for(worker, "queue_down")["reason"])
        self.start_redis()
        self.write("a.txt", "words")
        self.enqueue()
        self.assertEqual(self.wait_for(worker, "document")["outcome"], "done")


class Names(FleetCase):
    """Of bytes that are no UTF-8: the same key everywhere, and one a file."""

    def setUp(self):
        super().setUp()
        folder = os.fsencode(self.docs)
        for name, text in ((b"caf\xe9.txt", "miller"), (b"caf\\xE9.txt", "lighthouse"),
                           ("café.txt".encode(), "harbour")):
            with open(os.path.join(folder, name), "w") as file:
                file.write(text)
        self.keys = {word: os.path.join(self.docs, name)
                     for word, name in (("miller", "caf\\xE9.txt"), ("lighthouse", "caf\\x5CxE9.txt"),
                                        ("harbour", "café.txt"))}

    def check(self, *store, **environment):
        options = {"store": False, "env": dict(os.environ, **environment)}
        for unchanged in (0, 3):
            summary = self.run_penstock("backfill", self.docs, "--json", *store, **options).summary()
            self.assertEqual((summary["documents"]["done"], summary["unchanged"]), (3, unchanged))
        for word, key in self.keys.items():
            hits = self.run_penstock("search", word, "--json", "--hits", "1", *store, **options).json()
            self.assertEqual([hit["key"] for hit in hits], [key])
        sound = self.run_penstock("fsck", "--json", *store, **options).json()[-1]["sound"]
        self.assertTrue(sound)

    def test_in_a_file(self):
        self.check("--store", self.store)

    def test_in_postgres_and_pgvector(self):
        self.check("--ledger", make_database(self, "PENSTOCK_TEST_POSTGRES"),
                   "--vectors", "pgvector:" + make_database(self, "PENSTOCK_TEST_PGVECTOR"))

    def test_in_pinecone(self):
        url = self.url_of_emulated("pinecone", "--dimensions", "384", "--visibility", "0ms")
        self.check("--store", self.store, "--vectors", url, PINECONE_API_KEY="any")


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0], *sys.argv[3:]])
