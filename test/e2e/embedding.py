#!/usr/bin/env python3
"""An embedding service as users meet it, played by `penstock emulate openai`: what a backfill sends, what
it pays for, and what becomes of it when things go wrong.

usage: embedding.py PENSTOCK MAKE_FIXTURES [unittest arguments]
"""
import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
import unittest
import urllib.error
import urllib.request

from cases import Case, penstock

FAULTS = ("rate_limited", "rate_limited_bare", "server_error", "unavailable", "reset", "stall", "hang",
          "truncated", "malformed", "wrong_count", "wrong_dimension", "duplicate_index")


class ServiceCase(Case):
    def serve(self, *arguments):
        """Starts a service whose quota is beyond what the samples need, unless it is told otherwise."""
        limits = ("--requests-per-minute", "1000000", "--tokens-per-minute", "100000000")
        if "--tokens-per-minute" in arguments:
            limits = limits[:2]
        process = self.emulate("openai", "--json", *limits, *arguments)
        self.url = json.loads(process.stdout.readline())["url"]
        self.embedder = ("--embedder", "openai:" + self.url)
        return process

    def control(self, path, data=None):
        with urllib.request.urlopen(self.url.replace("/v1", path), data, timeout=60) as response:
            return json.load(response)

    def stats(self):
        return self.control("/stats")

    def backfill(self, *arguments, expect=0, **options):
        return self.run_penstock("backfill", self.docs, *self.embedder, "--json", *arguments,
                                 expect=expect, **options)

    def write_documents(self, count, words=400):
        """Texts of some chunks each, in which no chunk is another's."""
        for number in range(count):
            self.write(f"{number}.txt", " ".join(f"word{number}x{i}" for i in range(words)))

    def vectors(self):
        with sqlite3.connect(self.store) as store:
            return store.execute(
                "SELECT v.key, c.char_begin, c.text, x.vector FROM versions v, chunks c, vectors x "
                "WHERE c.id >> 20 = v.id AND x.id = c.id ORDER BY v.key, c.id").fetchall()


class Emulate(ServiceCase):
    def embed(self, url, key, text):
        body = json.dumps({"input": text, "model": "text-embedding-3-small"}).encode()
        request = urllib.request.Request(url + "/embeddings", body,
                                         {"Authorization": f"Bearer {key}"})
        with urllib.request.urlopen(request, timeout=60) as response:
            return json.load(response)

    def test_openai_is_served_until_it_is_told_to_end(self):
        process = self.emulate("openai", "--key", "mine:60:1000")
        line = process.stdout.readline()
        self.assertRegex(line, r"^penstock emulates OpenAI's embeddings at http://127\.0\.0\.1:\d+/v1 "
                               r"\(1 key: 60 requests and 1,000 tokens a minute\); "
                               r"GET /stats tells what was used\n$")
        url = line.split(" at ")[1].split(" ")[0]
        self.assertEqual(len(self.embed(url, "mine", "hello")["data"][0]["embedding"]), 1536)
        with self.assertRaises(urllib.error.HTTPError) as refused:
            self.embed(url, "mine", "too much " * 1000)
        refused.exception.close()
        self.assertEqual(refused.exception.code, 429)
        with urllib.request.urlopen(url.replace("/v1", "/stats"), timeout=60) as response:
            stats = json.load(response)
        self.assertEqual((stats["tokens"], stats["violations"]), (1, 1))
        process.send_signal(signal.SIGTERM)
        out, err = process.communicate(timeout=60)
        self.assertEqual((process.returncode, err), (0, ""))
        self.assertIn("1 request and 1 tokens admitted in ", out)

    def test_json_lines(self):
        process = self.emulate("openai", "--json")
        url = json.loads(process.stdout.readline())["url"]
        self.embed(url, "any", "hello")
        process.send_signal(signal.SIGINT)
        summary = json.loads(process.communicate(timeout=60)[0])
        self.assertEqual((summary["event"], summary["answered"]), ("summary", 1))

    def test_options_that_make_no_sense(self):
        for message, *arguments in (
                ("--key a:1: write it as NAME:RPM:TPM, with requests and tokens a minute",
                 "--key", "a:1"),
                ("--key a:2:2: there is another of this name", "--key", "a:1:1", "--key", "a:2:2"),
                ("--latency: not a latency: 5; write it as 20ms, or from least to most as 50ms-1.5s",
                 "--latency", "5")):
            process = subprocess.run([penstock, "emulate", "openai", *arguments], text=True,
                                     capture_output=True, timeout=60)
            self.assertEqual((process.returncode, process.stderr), (1, f"penstock: {message}\n"))


class Backfill(ServiceCase):
    def test_what_is_paid_for_is_what_the_summary_says(self):
        self.serve()
        ran = self.run_penstock("backfill", self.samples, "--include", "*.pdf", *self.embedder,
                                "--price-per-million", "2", "--json", expect=3)
        summary = ran.summary()
        stats = self.stats()
        self.assertEqual(stats["violations"], 0)
        self.assertEqual(stats["answered_tokens"], summary["embedded_tokens"])
        self.assertEqual(stats["requests"], summary["requests"])
        self.assertEqual(summary["embedded_tokens"] + summary["cached_tokens"], summary["tokens"])
        self.assertAlmostEqual(summary["cost"], summary["embedded_tokens"] * 2e-6)
        self.assert_sound()

        hits = self.run_penstock("search", "backpressure", *self.embedder, "--json").json()
        self.assertEqual(os.path.basename(hits[0]["key"]), "backpressure.pdf")
        ran = self.run_penstock("search", "backpressure", expect=1)
        self.assertEqual(ran.err, f"penstock: {self.store}: holds vectors of "
                                  "openai:text-embedding-3-small/1536 1536, not of lexical-384-v1 384; "
                                  "use that --embedder, or another --store\n")
        doctor = self.run_penstock("doctor", *self.embedder)
        self.assertRegex(doctor.out, r"ok +embedder +openai:http://[0-9.:]+/v1 answers in ")

    def test_nothing_is_paid_for_twice(self):
        self.serve()
        self.write_documents(3)
        self.backfill("--chunk-tokens", "64", "--overlap-tokens", "0")

        # Unchanged; under another name; changed at its end.
        again = self.backfill("--chunk-tokens", "64", "--overlap-tokens", "0").summary()
        self.assertEqual(again["requests"], 0)
        with open(self.write("copy.txt", "")) as copy, open(os.path.join(self.docs, "1.txt")) as text:
            self.write("copy.txt", text.read())
        again = self.backfill("--chunk-tokens", "64", "--overlap-tokens", "0").summary()
        self.assertEqual((again["requests"], again["cached_tokens"]), (0, again["tokens"]))
        with open(os.path.join(self.docs, "2.txt"), "a") as text:
            text.write(" and a last word")
        again = self.backfill("--chunk-tokens", "64", "--overlap-tokens", "0").summary()
        self.assertGreater(again["embedded_tokens"], 0)
        self.assertLessEqual(again["embedded_tokens"], 2 * 64)
        self.assert_sound()

    def test_keys_and_limits_come_from_the_configuration(self):
        self.serve("--key", "large:600000:60000000", "--key", "small:60000:6000000")
        self.write_documents(40)
        with open(os.path.join(self.folder, "penstock.toml"), "w") as file:
            file.write(f'[backfill]\nembedder = "openai:{self.url}"\nrequest-tokens = 500\n'
                       'key = ["large:600000:60000000", "small:60000:6000000"]\n')
        environment = dict(os.environ, PENSTOCK_API_KEY_LARGE="large", PENSTOCK_API_KEY_SMALL="small")
        self.run_penstock("backfill", self.docs, env=environment)
        stats = self.stats()
        self.assertEqual(set(stats["keys"]), {"large", "small"})
        self.assertEqual(stats["violations"], 0)

    def test_a_quota_that_the_service_knows_better_is_learned(self):
        self.serve("--key", "default:6000:60000")
        self.write_documents(4)
        environment = dict(os.environ, PENSTOCK_API_KEY="default")
        summary = self.backfill("--tokens-per-minute", "900000", env=environment).summary()
        self.assertEqual(summary["quota"]["keys"][0]["tokens_per_minute"], 60000)

    def test_a_budget_stops_cleanly_and_the_next_run_goes_on(self):
        self.serve()
        self.write_documents(12)
        runs = 0
        paid = 0
        while True:
            ran = self.run_penstock("backfill", self.docs, *self.embedder, "--json", "--max-tokens",
                                    "8000", "--request-tokens", "1000", expect=None)
            summary = ran.summary()
            runs += 1
            paid += summary["embedded_tokens"]
            self.assertLessEqual(summary["embedded_tokens"], 8000)
            if ran.code == 0:
                break
            self.assertEqual(ran.code, 130)
            self.assertEqual(summary["stopped"], "--max-tokens 8000 is spent")
            self.assertLess(runs, 20)
        self.assertGreater(runs, 2)
        self.assertEqual(self.stats()["answered_tokens"], paid)
        total = self.run_penstock("status", "--json").json()[-1]["tokens"]
        self.assertEqual(paid, total)
        self.assert_sound()

    def test_a_cost_is_a_budget(self):
        self.serve()
        self.write_documents(12)
        summary = self.backfill("--max-cost", "0.5", "--price-per-million", "100", "--request-tokens",
                                "1000", expect=130).summary()
        self.assertLessEqual(summary["cost"], 0.5)
        self.assertGreater(summary["cost"], 0.3)

    def test_an_interrupt_keeps_what_was_paid_for(self):
        self.serve("--tokens-per-minute", "120000")
        self.write_documents(6, words=1200)
        process = self.start("backfill", self.docs, *self.embedder, "--json", "--tokens-per-minute",
                             "120000", "--request-tokens", "600")
        while self.stats()["answered_tokens"] < 3000:
            time.sleep(0.01)
        process.send_signal(signal.SIGINT)
        out, _ = process.communicate(timeout=60)
        self.assertEqual(process.returncode, 130)
        interrupted = json.loads(out.splitlines()[-1])
        self.control("/stats/reset", b"")
        self.serve()
        summary = self.backfill("--request-tokens", "600").summary()
        total = self.run_penstock("status", "--json").json()[-1]["tokens"]
        self.assertEqual(interrupted["embedded_tokens"] + summary["embedded_tokens"], total)
        self.assert_sound()

    def test_a_kill_costs_at_most_what_was_in_flight(self):
        self.serve("--latency", "20ms")
        self.write_documents(10, words=1000)
        options = ("--request-tokens", "600", "--requests-in-flight", "4", "--json")
        kills = 4
        for kill in range(1, kills + 1):
            process = self.start("backfill", self.docs, *self.embedder, *options)
            # In steps of what is paid for, so that no moment depends on how fast the machine is.
            while process.poll() is None and self.stats()["answered_tokens"] < 6000 * kill:
                time.sleep(0.005)
            process.kill()
            process.communicate()
        self.backfill(*options)
        total = self.run_penstock("status", "--json").json()[-1]["tokens"]
        paid = self.stats()["answered_tokens"]
        # Requests under way, and as many again whose answers were on their way to the disk.
        self.assertLessEqual(paid - total, kills * 2 * 4 * 600)
        self.assert_sound()


class Trouble(ServiceCase):
    def test_each_fault_is_overcome_and_nothing_wrong_is_stored(self):
        self.write_documents(8)
        options = ("--request-tokens", "600", "--request-timeout", "1", "--chunk-tokens", "128",
                   "--overlap-tokens", "16")
        self.serve()
        self.backfill(*options)
        expected = self.vectors()
        for fault in FAULTS:
            with self.subTest(fault):
                os.remove(self.store)
                process = self.serve("--faults", "0.12", "--fault", fault)
                summary = self.backfill(*options).summary()
                stats = self.stats()
                process.kill()
                self.assertGreater(stats["faults"][fault], 0)
                self.assertEqual(stats["violations"], 0)
                self.assertEqual(self.vectors(), expected)
                self.assertEqual(summary["documents"]["done"], 8)
                self.assert_sound()

    def test_an_outage_pauses_the_work_and_the_work_goes_on(self):
        self.serve()
        self.write_documents(8)
        self.control("/outage?seconds=2", b"")
        ran = self.backfill("--request-tokens", "600")
        self.assertEqual(ran.summary()["documents"]["done"], 8)
        self.assertGreater(self.stats()["outage"], 0)
        [down] = ran.events("service_down")
        self.assertRegex(down["reason"], r"^http://[0-9.:]+/v1/embeddings: HTTP 503")

    def test_a_service_that_is_killed_and_comes_back(self):
        process = self.serve("--tokens-per-minute", "120000")
        self.write_documents(6)
        address = self.url.split("//")[1].split("/")[0]
        run = self.start("backfill", self.docs, *self.embedder, "--json", "--tokens-per-minute",
                         "1000000", "--request-tokens", "600")
        while self.stats()["answered_tokens"] < 1000:
            time.sleep(0.01)
        process.kill()
        process.wait()
        again = subprocess.Popen([penstock, "emulate", "openai", "--listen", address, "--latency", "0ms",
                                  "--tokens-per-minute", "100000000"], stdout=subprocess.DEVNULL)
        self.addCleanup(again.wait)
        self.addCleanup(again.kill)
        out, _ = run.communicate(timeout=120)
        self.assertEqual(run.returncode, 0)
        self.assertEqual(json.loads(out.splitlines()[-1])["documents"]["done"], 6)

    def test_a_poisoned_chunk_fails_only_its_document(self):
        for flag, why in (("--poison", "HTTP 400"), ("--poison-500", "HTTP 500")):
            with self.subTest(flag):
                self.write_documents(8)
                poisoned = self.write("3.txt", "nightshade is a plant")
                process = self.serve(flag, "nightshade")
                ran = self.backfill(expect=3)
                process.kill()
                failed = [event for event in ran.events("document") if event["outcome"] != "done"]
                self.assertEqual([event["key"] for event in failed], [poisoned])
                self.assertIn(why, failed[0]["message"])
                os.remove(self.store)

    def test_a_wrong_key_is_told_and_never_shown(self):
        self.serve("--key", "other:1000:1000000")
        self.write_documents(2)
        secret = "sk-verysecret0123456789"
        file = self.write("../keys", f"default={secret}\n")
        os.chmod(file, 0o600)
        ran = self.backfill("--keys-file", file, expect=1)
        self.assertIn("default", ran.err)
        self.assertEqual(len(ran.err.splitlines()), 1, ran.err)
        for arguments in (["status"], ["doctor", *self.embedder, "--keys-file", file],
                          ["search", "word", *self.embedder, "--keys-file", file]):
            ran.out += self.run_penstock(*arguments, expect=None).out + ran.err
        self.assertNotIn(secret, ran.out + ran.err)
        with open(self.store, "rb") as store:
            self.assertNotIn(secret.encode(), store.read())

    def test_what_makes_no_sense_is_told_in_one_line(self):
        self.write_documents(1)
        url = "openai:http://127.0.0.1:1/v1"
        self.fails_with("--embedder lexical: costs nothing and has no quota; limits, budgets and prices "
                        "are for openai: and for --dry-run", "backfill", self.docs,
                        "--tokens-per-minute", "5")
        self.fails_with("API key a has no secret: set PENSTOCK_API_KEY_A or give --keys-file with a line "
                        "a=SECRET", "backfill", self.docs, "--embedder", url, "--key", "a:1:1")
        ran = self.run_penstock("backfill", self.docs, "--embedder", url, "--model", "unheard-of",
                                expect=1)
        self.assertRegex(ran.err, r"^penstock: .*127\.0\.0\.1:1.*connection refused.*\n$")
        self.serve()
        ran = self.backfill("--tokens-per-minute", "100", expect=1)
        self.assertRegex(ran.err, r"^penstock: .*\b100\b.*--chunk-tokens.*\n$")


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0], *sys.argv[3:]])
