#!/usr/bin/env python3
"""Documents in an object store, played by `penstock emulate s3`, which verifies every signature.

usage: objects.py PENSTOCK MAKE_FIXTURES [unittest arguments]
"""
import json
import os
import shutil
import subprocess
import sys
import unittest
import urllib.request

from cases import Case

SECRET = "a/rehearsed+secret"


class Objects(Case):
    def setUp(self):
        super().setUp()
        self.objects = os.path.join(self.folder, "objects")
        self.docs = os.path.join(self.objects, "library", "docs")  # s3://library/docs
        os.makedirs(self.docs)
        self.environment = dict(os.environ, AWS_ACCESS_KEY_ID="e2e", AWS_SECRET_ACCESS_KEY=SECRET)

    def serve(self, *arguments):
        self.endpoint = self.url_of_emulated("s3", "--folder", self.objects, "--access-key", "e2e",
                                             "--secret-key", SECRET, *arguments)

    def stats(self):
        with urllib.request.urlopen(self.endpoint + "/_stats", timeout=60) as response:
            return json.load(response)

    def objects_read(self):
        return self.stats()["requests"]["get_object"]

    def curl(self, *arguments):
        """A client that is not ours, and signs by itself."""
        subprocess.run(["curl", "--silent", "--show-error", "--fail", "--aws-sigv4",
                        "aws:amz:us-east-1:s3", "--user", f"e2e:{SECRET}",
                        "--header", "x-amz-content-sha256: UNSIGNED-PAYLOAD", *arguments],
                       check=True, stdout=subprocess.DEVNULL, timeout=60)

    def put(self, key, text):
        path = os.path.join(self.folder, "upload")
        with open(path, "w") as file:
            file.write(text)
        self.curl("--upload-file", path, f"{self.endpoint}/library/{key}")

    def at_endpoint(self, command, *arguments, **options):
        options.setdefault("env", self.environment)
        return self.run_penstock(command, *arguments, "--s3-endpoint", self.endpoint, "--json", **options)

    def backfill(self, source, *arguments, **options):
        return self.at_endpoint("backfill", source, *arguments, **options)

    def test_a_listing_of_several_pages_is_read_once(self):
        for number in range(1100):  # a page holds 1,000
            self.write(f"{number % 7}/{number}.txt", f"page {number}")
        self.write("../elsewhere.txt", "another prefix")
        self.serve()
        summary = self.backfill("s3://library/docs/").summary()
        self.assertEqual(summary["documents"]["done"], 1100)
        self.assertEqual(self.objects_read(), 1100)
        self.assertIn("s3://library/docs/6/1098.txt", self.keys_found("page 1098"))
        again = self.backfill("s3://library/docs/").summary()
        self.assertEqual((again["seen"], again["unchanged"]), (1100, 1100))
        self.assertEqual(self.objects_read(), 1100)
        self.assert_sound()

    def test_objects_are_documents_like_files(self):
        for name in os.listdir(self.samples):
            if name.endswith(".pdf"):
                shutil.copy(os.path.join(self.samples, name), self.docs)
        self.serve("--faults", "0.1", *(word for kind in ("server_error", "reset", "truncated")
                                        for word in ("--fault", kind)))
        of_objects = self.backfill("s3://library/docs", expect=3).summary()
        self.assertGreater(sum(self.stats()["faults"].values()), 0)
        self.assert_sound()
        self.at = ("--store", self.store + "-of-files")
        of_files = self.run_penstock("backfill", self.docs, "--json", expect=3).summary()
        for what in ("documents", "bytes", "pages", "chunks", "tokens"):
            self.assertEqual(of_objects[what], of_files[what], what)

    def test_what_vanished_is_pruned_only_when_it_is_told_to(self):
        self.write("a.txt", "lasting words")
        self.write("b.txt", "vanishing words")
        self.serve()
        self.backfill("s3://library/docs/")
        self.curl("--request", "DELETE", f"{self.endpoint}/library/docs/b.txt")
        self.assertEqual(self.backfill("s3://library/docs/").summary()["pruned"], 0)
        self.assertEqual(self.backfill("s3://library/docs/", "--prune").summary()["pruned"], 1)
        self.assertEqual(self.keys_found("words"), ["s3://library/docs/a.txt"])
        self.assert_sound()

    def test_a_wrong_secret_is_told_in_one_line(self):
        self.write("a.txt", "words")
        self.serve()
        wrong = dict(self.environment, AWS_SECRET_ACCESS_KEY="not-the-secret")
        ran = self.backfill("s3://library/docs/", env=wrong, expect=1)
        self.assertEqual(ran.err, "penstock: s3://library/docs/: access denied: the secret does not belong "
                                  "to the access key; check AWS_SECRET_ACCESS_KEY\n")
        self.assertEqual(ran.out, "")
        ran = self.backfill("s3://nowhere/", expect=1)
        self.assertEqual(ran.err, "penstock: s3://nowhere/: no such bucket: check its name, and the "
                                  "endpoint\n")
        ran = self.backfill("s3://library/missing/", expect=1)
        self.assertEqual(ran.err, "penstock: s3://library/missing/: no such object or folder\n")

    def enqueue(self):
        return self.at_endpoint("enqueue", "s3://library/docs/", *self.queue, store=False).summary()

    def work(self, **options):
        return self.at_endpoint("worker", *self.queue, "--until-empty", "--attempts", "1", **options)

    def test_an_object_that_changes_after_it_was_listed(self):
        self.write("a.txt", "The miller opens the gate.")
        self.write("gone.txt", "words")
        self.serve()
        self.queue = ("--queue", f"sqlite:{self.store}")
        self.assertEqual(self.enqueue()["queued"], 2)
        self.put("docs/a.txt", "The lighthouse keeper lights the lamp, every night.")
        self.curl("--request", "DELETE", f"{self.endpoint}/library/docs/gone.txt")
        summary = self.work(expect=3).summary()
        self.assertEqual((summary["documents"]["done"], summary["documents"]["unreadable"]), (1, 1))
        [letter] = self.run_penstock("status", "--failed", *self.queue, "--json").events("dead_letter")
        self.assertEqual((letter["key"], letter["outcome"], letter["reason"]),
                         ("s3://library/docs/gone.txt", "unreadable", "no such object"))
        [hit] = self.run_penstock("search", "keeper", "--json").json()
        self.assertEqual(hit["text"], "The lighthouse keeper lights the lamp, every night.\n")
        # Under its new time it is known by its content, and after that by its time.
        for reads in (1, 0):
            before = self.objects_read()
            self.enqueue()
            summary = self.work().summary()
            self.assertEqual((summary["seen"], summary["unchanged"]), (1, 1))
            self.assertEqual(self.objects_read() - before, reads)
        self.assert_sound()


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0], *sys.argv[3:]])
