"""What the end-to-end tests share: the programs, a folder and a store of a test's own, and what ran."""
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
import unittest

penstock, make_fixtures = map(os.path.abspath, sys.argv[1:3])


def wait_until(condition, seconds=60):
    """Looks again and again, and returns what it saw at last; so long only if something is wrong."""
    until = time.monotonic() + seconds
    while not (seen := condition()):
        if time.monotonic() > until:
            raise AssertionError(f"not within {seconds} s")
        time.sleep(0.02)
    return seen


class Ran:
    def __init__(self, process):
        self.code = process.returncode
        self.out = process.stdout
        self.err = process.stderr
        self.lines = self.out.splitlines()

    def json(self):
        return [json.loads(line) for line in self.lines]

    def events(self, name):
        return [event for event in self.json() if event.get("event") == name]

    def summary(self):
        return self.events("summary")[-1]


class Case(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.shared = tempfile.mkdtemp(prefix="penstock-e2e-")
        cls.samples = os.path.join(cls.shared, "samples")
        subprocess.run([make_fixtures, cls.samples], check=True, stdout=subprocess.DEVNULL)

    @classmethod
    def tearDownClass(cls):
        shutil.rmtree(cls.shared)

    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="penstock-e2e-")
        self.store = os.path.join(self.folder, "s.db")
        self.at = ("--store", self.store)  # where ledger and vectors are
        self.docs = os.path.join(self.folder, "docs")
        os.mkdir(self.docs)

    def tearDown(self):
        shutil.rmtree(self.folder)

    def run_penstock(self, *arguments, text=None, expect=0, store=True, **options):
        command = [penstock, *arguments, *(self.at if store else ())]
        ran = Ran(subprocess.run(command, input=text, capture_output=True, text=True, cwd=self.folder,
                                 timeout=120, **options))
        if expect is not None:
            self.assertEqual(ran.code, expect, f"{command}\n{ran.out}\n{ran.err}")
        return ran

    def start(self, *arguments, store=True, **options):
        process = subprocess.Popen([penstock, *arguments, *(self.at if store else ())], stdin=subprocess.PIPE,
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                                   cwd=self.folder, **options)
        self.addCleanup(self.end, process)
        return process

    def end(self, process):
        process.kill()
        _, err = process.communicate()
        # What a sanitizer found: who is killed has no exit code that would tell of it.
        self.assertNotIn("Sanitizer", err or "")

    def emulate(self, service, *arguments):
        """Starts a service on a free port, which answers at once unless it is told otherwise."""
        if "--latency" not in arguments:
            arguments = ("--latency", "0ms", *arguments)
        process = subprocess.Popen([penstock, "emulate", service, "--listen", "127.0.0.1:0", *arguments],
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.addCleanup(self.end, process)
        return process

    def url_of_emulated(self, service, *arguments):
        return json.loads(self.emulate(service, "--json", *arguments).stdout.readline())["url"]

    def write(self, name, text):
        path = os.path.join(self.docs, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w") as file:
            file.write(text)
        return path

    def fails_with(self, message, *arguments, **options):
        ran = self.run_penstock(*arguments, expect=1, **options)
        self.assertEqual(ran.err, f"penstock: {message}\n")

    def keys_found(self, query, *arguments):
        return [hit["key"] for hit in self.run_penstock("search", query, "--json", *arguments).json()]

    def assert_sound(self):
        self.assertTrue(self.run_penstock("fsck", "--json").json()[-1]["sound"])
