#!/usr/bin/env python3
"""Kills a backfill and its extraction processes at random moments, again and again, and holds what the
last, undisturbed rerun leaves against a store that nobody disturbed.

usage: kill_anything.py PENSTOCK MAKE_FIXTURES [KILLS]

The moments are counted in documents and in looks at the process table, not in time.
"""
import json
import os
import random
import signal
import sqlite3
import subprocess
import sys
import tempfile

penstock, make_fixtures = sys.argv[1:3]
kills = int(sys.argv[3]) if len(sys.argv) > 3 else 50
chance = random.Random(20261124)


def start(corpus, store):
    return subprocess.Popen(
        [penstock, "backfill", corpus, "--include", "*.pdf", "--store", store, "--json"],
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)


def children_of(pid):
    try:
        with open(f"/proc/{pid}/task/{pid}/children") as file:
            found = file.read().split()
        for task in os.listdir(f"/proc/{pid}/task"):
            with open(f"/proc/{pid}/task/{task}/children") as file:
                found += file.read().split()
        return sorted({int(child) for child in found})
    except FileNotFoundError:
        return []


def kill(pid):
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        pass


def run_and_kill(corpus, store):
    """One run, killed after some documents; an extraction process may be killed before that."""
    process = start(corpus, store)
    wanted = chance.randrange(0, 12)
    kill_child_at = chance.randrange(0, 12)
    looks = chance.randrange(0, 2000)
    seen = 0
    while seen < wanted:
        line = process.stdout.readline()
        if not line:
            break
        seen += 1
        if seen == kill_child_at:
            for child in children_of(process.pid)[:1]:
                kill(child)
    for _ in range(looks):  # some moments later
        os.stat("/proc/self")
    kill(process.pid)
    process.stdout.close()
    return process.wait() == -signal.SIGKILL


def contents(store):
    """What a store holds, without what depends on the order of work."""
    database = sqlite3.connect(f"file:{store}?mode=ro", uri=True)
    documents = database.execute(
        "SELECT key, bytes, outcome, message, attempted, current, pages, chunks, tokens "
        "FROM documents ORDER BY key").fetchall()
    chunks = database.execute(
        "SELECT v.key, v.version, c.id & 1048575, c.page_first, c.page_last, c.char_begin, c.char_end, "
        "c.tokens, c.text FROM chunks c JOIN versions v ON v.id = c.id >> 20 ORDER BY 1, 2, 3").fetchall()
    vectors = database.execute(
        "SELECT v.key, v.version, w.id & 1048575, w.vector FROM vectors w "
        "JOIN versions v ON v.id = w.id >> 20 ORDER BY 1, 2, 3").fetchall()
    intents = database.execute("SELECT count(*) FROM intents").fetchall()
    return {"documents": documents, "chunks": chunks, "vectors": vectors, "intents": intents}


def finish(corpus, store):
    process = start(corpus, store)
    summary = json.loads(process.stdout.read().splitlines()[-1])
    assert process.wait() == 3, "the corpus has documents that fail"
    return summary


with tempfile.TemporaryDirectory() as folder:
    corpus = f"{folder}/corpus"
    subprocess.run([make_fixtures, corpus], check=True, stdout=subprocess.DEVNULL)
    subprocess.run([make_fixtures, f"{corpus}/more", "--documents", "60", "--bytes", "5000-60000"],
                   check=True, stdout=subprocess.DEVNULL)

    undisturbed = f"{folder}/undisturbed.db"
    expected = finish(corpus, undisturbed)

    disturbed = f"{folder}/disturbed.db"
    killed = 0
    runs = 0
    while killed < kills:
        runs += 1
        if run_and_kill(corpus, disturbed):
            killed += 1
        else:  # everything was done: begin anew
            finish(corpus, disturbed)
            assert contents(disturbed) == contents(undisturbed), "the stores differ"
            for suffix in ("", "-wal", "-shm"):
                if os.path.exists(disturbed + suffix):
                    os.remove(disturbed + suffix)
        assert runs < 4 * kills, "runs end before they can be killed"
    summary = finish(corpus, disturbed)

    assert summary["seen"] == expected["seen"]
    assert summary["documents"] == expected["documents"]
    for name, rows in contents(undisturbed).items():
        assert contents(disturbed)[name] == rows, f"{name} differ"
    check = subprocess.run([penstock, "fsck", "--store", disturbed], stdout=subprocess.PIPE)
    assert check.returncode == 0, check.stdout
    print(f"{killed} kills in {runs} runs; {len(contents(disturbed)['chunks'])} chunks, none lost, none twice")
