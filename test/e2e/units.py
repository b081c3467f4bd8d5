#!/usr/bin/env python3
"""The systemd units are valid and hardened, and forbid nothing that the sandbox of extraction needs.

usage: units.py ROOT PENSTOCK [unittest arguments]
"""
import glob
import os
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

root, penstock = map(os.path.abspath, sys.argv[1:3])
UNITS = sorted(glob.glob(os.path.join(root, "deploy/systemd/*.service")))
LOCKDOWN = os.path.join(root, "engine/stages/extract/lockdown.cc")
# Of 100, as systemd-analyze counts; what is left is the network.
EXPOSURE_MAX = 15


def read(path):
    with open(path) as file:
        return file.read()


def analyze(*arguments, **options):
    return subprocess.run(["systemd-analyze", "--no-pager", *arguments], capture_output=True, text=True,
                          **options)


def settings_of(unit):
    found = {}
    for name, value in re.findall(r"(?m)^(\w+)=(.*)$", read(unit)):
        found.setdefault(name, []).append(value)
    return found


def calls_in(names):
    """The system calls that these names of calls and @groups stand for."""
    calls = set()
    for name in names:
        if not name.startswith("@"):
            calls.add(name)
            continue
        lines = analyze("syscall-filter", name).stdout.splitlines()[1:]
        calls |= calls_in(line.strip() for line in lines if line.strip() and "#" not in line)
    return calls


@unittest.skipIf(shutil.which("systemd-analyze") is None and os.environ.get("CI") != "true",
                 "systemd-analyze is not installed (package systemd)")
class Units(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="penstock-units-")
        self.addCleanup(folder.cleanup)
        self.units = []
        for unit in UNITS:
            self.units.append(os.path.join(folder.name, os.path.basename(unit)))
            with open(self.units[-1], "w") as file:
                file.write(read(unit).replace("/usr/local/bin/penstock", penstock))

    def test_they_are_valid(self):
        self.assertEqual(len(self.units), 2)
        for unit in self.units:
            ran = analyze("verify", "--man=no", "--recursive-errors=no", unit)
            self.assertEqual((ran.returncode, [line for line in ran.stderr.splitlines()
                                               if "penstock" in line]), (0, []), ran.stderr)

    def test_they_are_hardened(self):
        for unit in self.units:
            ran = analyze("security", "--offline=yes", f"--threshold={EXPOSURE_MAX}", unit)
            self.assertEqual(ran.returncode, 0, ran.stdout[-400:] + ran.stderr)

    def test_both_are_hardened_alike(self):
        begin = "# Of a document that"
        texts = {read(unit).partition(begin)[2] for unit in UNITS}
        self.assertEqual(len(texts), 1)
        self.assertIn("NoNewPrivileges=yes", texts.pop())

    def test_what_extraction_calls_is_permitted(self):
        source = read(LOCKDOWN)
        needed = set(re.findall(r"SCMP_SYS\((\w+)\)", source))
        needed |= set(re.findall(r"SYS_(\w+)", source)) | {"seccomp", "prctl", "prlimit64", "execve"}
        self.assertGreater(len(needed), 30)
        for unit in UNITS:
            permitted = set()
            for line in settings_of(unit)["SystemCallFilter"]:
                if line.startswith("~"):
                    permitted -= calls_in(line[1:].split())
                else:
                    permitted |= calls_in(line.split())
            self.assertEqual(needed - permitted, set(), unit)

    def test_a_stop_drains_before_it_kills(self):
        for unit in UNITS:
            settings = settings_of(unit)
            command = settings["ExecStart"][0].split()[1]
            known = subprocess.run([penstock, command, "--help"], capture_output=True, text=True,
                                   check=True).stdout
            drain = re.search(r"--drain-timeout [^\n]*?[=\[](\d+)\]? *\n", known)
            self.assertGreater(int(settings["TimeoutStopSec"][-1]), int(drain[1]) + 10)
            # By default extraction processes would get the signal as well.
            self.assertEqual(settings["KillMode"], ["mixed"])

    def test_their_user_can_be_made(self):
        ran = subprocess.run(["systemd-sysusers", "--dry-run",
                              os.path.join(root, "deploy/systemd/penstock.sysusers.conf")],
                             capture_output=True, text=True)
        self.assertEqual((ran.returncode, ran.stderr.count("ailed")), (0, 0), ran.stderr)


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0], *sys.argv[3:]])
