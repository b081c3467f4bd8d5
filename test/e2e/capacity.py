#!/usr/bin/env python3
"""Whether `penstock capacity` tells what happened: of a service that is as it should be, and of one behind
a proxy that loses, doubles or delays; of a fleet's queue, and of an engine. What a run of a few seconds
cannot know is inconclusive.

usage: capacity.py PENSTOCK MAKE_FIXTURES [AREA]
"""
import csv
import http.client
import http.server
import json
import os
import signal
import socketserver
import sqlite3
import sys
import threading
import time
import unittest

from cases import wait_until
from servers import make_database, of_its_own, server
from serving import Serving

PROFILE = """
name = "tiny"
seed = 7
drain_max = "60s"
content_checks = {checks}
connections_max = {connections}

[system]
{system}

[[kind]]
name = "small"
size = "20KB"

[[phase]]
name = "warm-up"
plan = "constant"
length = "1s"
per_second = 5
warm_up = true

[[phase]]
name = "steady"
plan = "constant"
length = "{length}"
per_second = {per_second}

[[target]]
measure = "{measure}"
limit = 30
fraction = {fraction}
"""


class Proxy:
    """Hands requests on, and answers back; `upload` stands in for what it does with an upload."""

    def __init__(self, url, upload):
        self.target = url.split("//")[1]
        self.uploads = 0
        self.lock = threading.Lock()
        proxy = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_):
                pass

            def hand_on(self, body):
                connection = http.client.HTTPConnection(proxy.target, timeout=120)
                headers = {name: value for name, value in self.headers.items() if name != "Host"}
                connection.request(self.command, self.path, body, headers)
                return connection, connection.getresponse()

            def answer(self, status, text):
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                self.wfile.write(text)

            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                with proxy.lock:
                    proxy.uploads += 1
                    number = proxy.uploads
                upload(self, number, body)

            def do_GET(self):
                connection, response = self.hand_on(None)
                if not self.path.startswith("/v1/events"):
                    self.answer(response.status, response.read())
                    return connection.close()
                self.send_response(response.status)
                self.send_header("Content-Type", "text/event-stream")
                self.end_headers()
                self.close_connection = True
                try:
                    while piece := response.read1():
                        self.wfile.write(piece)
                except (OSError, http.client.HTTPException):
                    pass
                connection.close()

        class Server(socketserver.ThreadingMixIn, http.server.HTTPServer):
            daemon_threads = True
            request_queue_size = 256

        self.server = Server(("127.0.0.1", 0), Handler)
        self.url = "http://127.0.0.1:%d" % self.server.server_port
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()


def pass_on(handler, body):
    connection, response = handler.hand_on(body)
    handler.answer(response.status, response.read())
    connection.close()


def take(handler, body):
    """As pass_on, and nobody hears of it."""
    connection, response = handler.hand_on(body)
    response.read()
    connection.close()


class Runs(Serving):
    def write_profile(self, *, url=None, system=None, per_second=20, length="2s", fraction=0.5, checks=3,
                      connections=1000, measure="upload"):
        """Half of the documents in time are enough, since there are few of them."""
        path = os.path.join(self.folder, "profile.toml")
        with open(path, "w") as file:
            file.write(PROFILE.format(system=system or (f'url = "{url}"' if url else "workers = 1"),
                                      per_second=per_second, length=length, fraction=fraction, checks=checks,
                                      connections=connections, measure=measure))
        return path

    def start_capacity(self, **profile):
        self.report = os.path.join(self.folder, "report")
        return self.start("capacity", self.write_profile(**profile), "--report", self.report, store=False)

    def capacity(self, expect, *, env=None, **profile):
        self.report = os.path.join(self.folder, "report")
        ran = self.run_penstock("capacity", self.write_profile(**profile), "--report", self.report, expect=None,
                                store=False, env=env)
        self.assertIn(ran.code, expect if isinstance(expect, tuple) else (expect,), ran.out + ran.err)
        self.read_report()
        return ran

    def read_report(self):
        with open(os.path.join(self.report, "report.json")) as file:
            self.json = json.load(file)
        with open(os.path.join(self.report, "arrivals.csv")) as file:
            self.arrivals = list(csv.DictReader(file))

    def refused(self, system, **options):
        """The one line that a run says before it starts, or does not."""
        ran = self.run_penstock("capacity", self.write_profile(system=system, **options), expect=1, store=False)
        said = ran.err.splitlines()[-1]
        self.assertEqual((ran.out, said[:10]), ("", "penstock: "), ran.err)
        return said

    def assert_all_done(self):
        conservation = self.json["conservation"]
        self.assertEqual(conservation["intended"], len(self.arrivals))
        self.assertEqual(conservation["done"], len(self.arrivals), self.json["errors"])
        self.assertTrue(conservation["holds"])
        self.assertEqual(self.json["content"], {"checked": 3, "wrong": 0, "first_wrong": ""})
        self.assertEqual((self.json["unknown"], self.json["findings"]), (0, []))
        self.assertEqual([name for name in os.listdir(self.folder) if name.startswith("penstock-capacity")], [])
        for arrival in self.arrivals:
            times = [float(arrival[name + "_s"]) for name in ("intended", "issued", "started", "stored", "done")]
            # The calendar tells milliseconds.
            for earlier, later in zip(times, times[1:]):
                self.assertLessEqual(earlier, later + 0.002)

    def behind(self, upload):
        self.serve()
        proxy = Proxy(self.url, upload)
        self.addCleanup(proxy.close)
        return proxy.url

    def broken_checks(self):
        return {check["name"] for check in self.json["checks"] if not check["holds"]}


    def here(self, **variables):
        """Runs make their folders where the test sees them."""
        return {**os.environ, "TMPDIR": self.folder, **variables}


class Sound(Runs):
    def test_a_service_that_it_starts_keeps_a_target_and_nothing_of_it_stays(self):
        self.capacity((0, 12), env=self.here())
        self.assert_all_done()

    def test_an_unreachable_service_is_fatal(self):
        self.assertIn("gopher://nowhere", self.refused('url = "gopher://nowhere"'))


class Faults(Runs):
    def test_a_lost_document_fails_the_run(self):
        def upload(handler, number, body):
            if number != 10:
                return pass_on(handler, body)
            handler.answer(202, b'{"id": "nobody-has-it"}')

        self.capacity(10, url=self.behind(upload))
        self.assertEqual(self.json["conservation"]["lost"], 1)
        lost = [arrival for arrival in self.arrivals if arrival["ending"] == "lost"]
        self.assertEqual([arrival["id"] for arrival in lost], ["nobody-has-it"])

    def test_a_document_that_is_there_twice_fails_the_run(self):
        def upload(handler, number, body):
            if number == 10:
                take(handler, body)
            pass_on(handler, body)

        self.capacity(10, url=self.behind(upload))
        self.assertEqual(self.json["conservation"]["twice"], 1)

    def test_refused_and_broken_uploads_are_told_apart(self):
        def upload(handler, number, body):
            if number == 10:
                return handler.answer(429, b'{"title": "too many documents wait"}')
            if number == 11:
                handler.close_connection = True
                return handler.connection.close()
            if number == 12:  # taken, and its answer is lost: the service did nothing wrong
                take(handler, body)
                handler.close_connection = True
                return handler.connection.close()
            pass_on(handler, body)

        self.capacity((0, 12), url=self.behind(upload))
        self.assertEqual(self.json["conservation"]["refused"], 1)
        self.assertEqual(self.json["conservation"]["broken"], 2)
        refused = next(arrival for arrival in self.arrivals if arrival["ending"] == "refused")
        self.assertIn("too many documents wait", refused["message"])

    def test_what_is_refused_and_taken_all_the_same_fails_the_run(self):
        def upload(handler, number, body):
            if number != 10:
                return pass_on(handler, body)
            take(handler, body)
            handler.answer(503, b'{"title": "no room"}')

        self.capacity(10, url=self.behind(upload))
        self.assertIn("was refused with 503 and taken", self.json["findings"][0])

    def test_a_generator_without_connections_is_no_measure(self):
        held = threading.Semaphore(1)

        def upload(handler, number, body):
            with held:
                time.sleep(0.2)
            pass_on(handler, body)

        self.capacity(12, url=self.behind(upload), connections=2)
        self.assertGreater(self.json["conservation"]["dropped"], 0)
        self.assertIn("dropped arrivals", self.broken_checks())

    def test_a_stall_is_in_the_times_from_intended_on(self):
        """One document at a time is taken, as from one client: who waits for the answer sends late."""
        stall = 2.0
        turn = threading.Lock()

        def upload(handler, number, body):
            with turn:
                if number == 10:
                    time.sleep(stall)
            pass_on(handler, body)

        self.capacity((0, 12), url=self.behind(upload), per_second=20, length="3s")
        late = [arrival for arrival in self.arrivals
                if arrival["answered_s"] and float(arrival["answered_s"]) - float(arrival["intended_s"]) > 1]
        # What was due in the first second of the stall waited for more than one.
        self.assertGreaterEqual(len(late), 15)


class Engine(Runs):
    def test_an_engine_in_the_process_does_all_that_it_is_handed(self):
        ran = self.capacity((0, 12), system='destination = "engine"\narguments = ["--concurrency", "7"]',
                            measure="start", env=self.here())
        self.assert_all_done()
        self.assertEqual(self.json["destination"], "engine")
        self.assertEqual(self.json["documents_in_flight_max"], 7)
        self.assertIn("of its thread", next(check["value"] for check in self.json["checks"]
                                            if check["name"] == "generator CPU"))
        self.assertIn("an engine in the generator's process", ran.out)
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
        said = self.refused('destination = "engine"\narguments = ["--queue", "redis://h"]', measure="start")
        self.assertIn("[system] arguments: ", said)
        self.assertIn("--queue", said)


class Queue(Runs):
    def test_a_queue_and_a_worker_that_it_starts_keep_a_target(self):
        ran = self.capacity((0, 12), system='destination = "queue"', env=self.here())
        self.assert_all_done()
        self.assertEqual((self.json["destination"], self.json["documents_in_flight_max"]), ("queue", 50))
        self.assertIn("1 penstock worker, queue in a file", ran.out)
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
        run = self.start_capacity(system=system, per_second=50)

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
        out, err = run.communicate(timeout=120)
        self.assertEqual(run.returncode, 10, out + err)
        self.read_report()
        self.assertEqual(self.json["conservation"]["lost"], 1)
        self.assertEqual([arrival["id"] for arrival in self.arrivals if arrival["ending"] == "lost"], [key])
        self.assertIn(key, self.json["sentence"])
        other.terminate()
        other.communicate(timeout=60)

    def test_what_makes_no_sense_is_refused_with_one_line(self):
        self.assertIn("redis://127.0.0.1:1", self.refused('destination = "queue"\nqueue = "redis://127.0.0.1:1"'))
        self.assertIn("not a known URL", self.refused('destination = "queue"\nqueue = "carrier:pigeon"'))
        self.assertIn("[system] blobs: /proc/penstock", self.refused('destination = "queue"\nblobs = "/proc"'))
        self.assertIn("--until-empty",
                      self.refused('destination = "queue"\narguments = ["--until-empty"]'))
        self.assertIn("has no meaning", self.refused('destination = "queue"\nurl = "http://127.0.0.1:1"'))


class RedisQueue(Runs):
    def test_workers_of_a_redis_and_a_postgres_keep_a_target(self):
        ledger = make_database(self, "PENSTOCK_TEST_PGVECTOR")
        self.capacity((0, 12), env=self.here(LOAD_QUEUE=server("PENSTOCK_TEST_REDIS"), LOAD_LEDGER=ledger),
                      system='destination = "queue"\nworkers = 2\nqueue = "$LOAD_QUEUE"\nledger = "$LOAD_LEDGER"\n'
                      'vectors = "pgvector:"')
        self.assert_all_done()
        self.assertIn("queue $LOAD_QUEUE", self.json["system"])

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
    unittest.main(argv=["capacity", *sys.argv[3:]])
