#!/usr/bin/env python3
"""Whether `penstock capacity` tells what happened: of a service that is as it should be, and of one behind
a proxy that loses, doubles or delays. What a run of a few seconds cannot know is inconclusive.

usage: capacity.py PENSTOCK MAKE_FIXTURES [AREA]
"""
import os
import re
import sys
import threading
import time
import unittest

from capacity_runs import Runs, pass_on, take


class Sound(Runs):
    def test_a_service_that_it_starts_keeps_a_target_and_nothing_of_it_stays(self):
        self.capacity((0, 12), env=self.here())
        self.assert_all_done()

    def test_an_unreachable_service_is_fatal(self):
        self.assertIn("gopher://nowhere", self.refused(url="gopher://nowhere"))


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

    def stalling(self, seconds):
        """One document at a time is taken, and the 20th stands in the way for so long."""
        turn = threading.Lock()

        def upload(handler, number, body):
            with turn:
                if number == 20:
                    time.sleep(seconds)
            pass_on(handler, body)

        return self.behind(upload)

    def late(self, since):
        return sum(1 for arrival in self.arrivals if arrival["answered_s"] and
                   float(arrival["answered_s"]) - float(arrival[since]) > 1)

    def test_a_stall_is_in_the_times_of_all_that_were_due(self):
        self.capacity((0, 12), url=self.stalling(2), per_second=20, length="3s")
        # Of the second before its last one.
        self.assertGreaterEqual(self.late("intended_s"), 15)
        self.assertGreaterEqual(self.late("issued_s"), 15)

    def test_clients_that_wait_for_a_connection_hide_a_stall_and_the_report_does_not(self):
        """Whoever counts from when an upload left sees those that were under way, and no other."""
        self.capacity((0, 12), url=self.stalling(4), per_second=20, length="8s", connections=2, wait=True)
        self.assertLessEqual(self.late("issued_s"), 2)
        self.assertGreaterEqual(self.late("intended_s"), 50)
        self.assertNotIn("dropped arrivals", self.broken_checks())
        quantiles = {point["fraction"]: point for point in self.json["quantiles"]}
        self.assertGreater(quantiles[0.9]["from_intended_s"], 2)
        self.assertLess(quantiles[0.9]["from_issued_s"], 1)
        # Side by side for people.
        line = re.search(r"^  p90 +(\S+) s +(\S+) (m?s)$", self.out, re.M)
        self.assertGreater(float(line[1]), 2)
        self.assertTrue(line[3] == "ms" or float(line[2]) < 1, line[0])
        with open(os.path.join(self.report, "report.html")) as file:
            page = file.read()
        self.assertIn(f'<th scope="row">p90</th><td class="n">{line[1]} s</td><td class="n">{line[2]} {line[3]}',
                      page)


if __name__ == "__main__":
    unittest.main(argv=["capacity", *sys.argv[3:]])
