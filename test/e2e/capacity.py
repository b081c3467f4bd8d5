#!/usr/bin/env python3
"""Whether `penstock capacity` tells what happened: of a service that is as it should be, and of one behind
a proxy that loses, doubles or delays. What a run of a few seconds cannot know is inconclusive.

usage: capacity.py PENSTOCK MAKE_FIXTURES [AREA]
"""
import csv
import http.client
import http.server
import json
import os
import socketserver
import sys
import threading
import time
import unittest

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
name = "upload"
measure = "upload"
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
    def capacity(self, expect, *, url=None, per_second=20, length="2s", fraction=0.5, checks=3,
                 connections=1000, **options):
        """The report of a run. Half of the documents in time are enough, since there are few of them."""
        system = f'url = "{url}"' if url else "workers = 1"
        path = os.path.join(self.folder, "profile.toml")
        with open(path, "w") as file:
            file.write(PROFILE.format(system=system, per_second=per_second, length=length, fraction=fraction,
                                      checks=checks, connections=connections))
        self.report = os.path.join(self.folder, "report")
        ran = self.run_penstock("capacity", path, "--report", self.report, expect=None, store=False, **options)
        self.assertIn(ran.code, expect if isinstance(expect, tuple) else (expect,), ran.out + ran.err)
        with open(os.path.join(self.report, "report.json")) as file:
            self.json = json.load(file)
        with open(os.path.join(self.report, "arrivals.csv")) as file:
            self.arrivals = list(csv.DictReader(file))
        return ran

    def behind(self, upload):
        self.serve()
        proxy = Proxy(self.url, upload)
        self.addCleanup(proxy.close)
        return proxy.url

    def broken_checks(self):
        return {check["name"] for check in self.json["checks"] if not check["holds"]}


class Sound(Runs):
    def test_a_service_that_it_starts_keeps_a_target_and_nothing_of_it_stays(self):
        self.capacity((0, 12), env={**os.environ, "TMPDIR": self.folder})
        conservation = self.json["conservation"]
        self.assertEqual(conservation["intended"], len(self.arrivals))
        self.assertEqual(conservation["done"], len(self.arrivals))
        self.assertTrue(conservation["holds"])
        self.assertEqual([name for name in os.listdir(self.folder) if name.startswith("penstock-capacity")], [])
        for arrival in self.arrivals:
            self.assertLessEqual(float(arrival["intended_s"]), float(arrival["issued_s"]))

    def test_an_unreachable_service_is_fatal(self):
        path = os.path.join(self.folder, "profile.toml")
        with open(path, "w") as file:
            file.write(PROFILE.format(system='url = "gopher://nowhere"', per_second=1, length="1s", fraction=0.5,
                                      checks=0, connections=10))
        ran = self.run_penstock("capacity", path, expect=1, store=False)
        self.assertIn("gopher://nowhere", ran.err)


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


if __name__ == "__main__":
    unittest.main(argv=["capacity", *sys.argv[3:]])
