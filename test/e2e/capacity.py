#!/usr/bin/env python3
"""Whether `penstock capacity` tells what happened: of a service that is as it should be, and of one behind
a proxy that loses, doubles or delays. What a run of a few seconds cannot know is inconclusive.

usage: capacity.py PENSTOCK MAKE_FIXTURES [AREA]
"""
import os
import sys
import threading
import time
import unittest

from capacity_runs import Runs, pass_on, take


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
        ran = self.run_penstock("capacity", self.profile(url="gopher://nowhere"), expect=1, store=False)
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
        self.assertTrue(self.said.startswith("FAIL 1 accepted document unknown to the system afterwards"))

    def test_a_document_that_is_there_twice_fails_the_run(self):
        def upload(handler, number, body):
            if number == 10:
                take(handler, body)
            pass_on(handler, body)

        self.capacity(10, url=self.behind(upload))
        self.assertEqual(self.json["conservation"]["twice"], 1)
        self.assertTrue(self.said.startswith("FAIL 1 document stored twice"))

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
