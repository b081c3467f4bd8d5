"""What the end-to-end tests share: the programs, a folder and a store of a test's own, and what ran."""
import json
import os
import shutil
import subprocess
import sys
import tempfile
import unittest

penstock, make_fixtures = map(os.path.abspath, sys.argv[1:3])


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
        self.docs = os.path.join(self.folder, "docs")
        os.mkdir(self.docs)

    def tearDown(self):
        shutil.rmtree(self.folder)

    def run_penstock(self, *arguments, text=None, expect=0, store=True, **options):
        command = [penstock, *arguments] + (["--store", self.store] if store else [])
        ran = Ran(subprocess.run(command, input=text, capture_output=True, text=True, cwd=self.folder,
                                 timeout=120, **options))
        if expect is not None:
            self.assertEqual(ran.code, expect, f"{command}\n{ran.out}\n{ran.err}")
        return ran

    def start(self, *arguments):
        return subprocess.Popen([penstock, *arguments, "--store", self.store], stdin=subprocess.PIPE,
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                                cwd=self.folder)

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
