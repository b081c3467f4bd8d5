#!/usr/bin/env python3
"""scripts/chaos, once the servers run: see there.

usage: chaos.py PENSTOCK MAKE_FIXTURES [--workers N] [--documents N] [--seed N] [--vectors KIND]
"""
import argparse
import hashlib
import http.client
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import threading
import time
import urllib.parse
import urllib.request

from emulator import Emulator

LEASE = 15  # seconds
API_KEY = "chaos"
DIMENSIONS = 256
CONCURRENCY = 12  # documents of a lane that a worker has in work


def arguments():
    parser = argparse.ArgumentParser()
    parser.add_argument("penstock")
    parser.add_argument("make_fixtures")
    parser.add_argument("--workers", type=int, default=8)
    parser.add_argument("--documents", type=int, default=3000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--vectors", choices=["pgvector", "pinecone"], default="pgvector")
    parser.add_argument("--pause", type=float, default=3, help="seconds between two disasters")
    return parser.parse_args()


class Lane:
    """The documents that dead workers of a lane left, and how long they waited while a worker had
    room for one. Without room none can be started, by whomever."""

    def __init__(self):
        self.with_room = 0.0  # seconds until `since`
        self.since = time.monotonic()
        self.has_room = False
        self.orphans = {}  # key: with_room when its worker died
        self.waits = []  # seconds with room

    def advance(self, has_room):
        now = time.monotonic()
        self.with_room += (now - self.since) * self.has_room
        self.since, self.has_room = now, has_room

    def orphaned(self, key):
        self.orphans[key] = self.with_room

    def started(self, key):
        if key in self.orphans:
            self.waits.append(self.with_room - self.orphans.pop(key))


class Worker:
    """A worker process, and what it has in work."""

    def __init__(self, fleet):
        self.fleet = fleet
        self.process = subprocess.Popen(fleet.command("worker", "--json", *fleet.worker_options),
                                        stdout=subprocess.PIPE, stderr=fleet.errors, text=True,
                                        env=fleet.environment)
        # Guarded by the fleet's mutex.
        self.is_ready = False
        self.in_work = {name: set() for name in fleet.lanes}
        self.thread = threading.Thread(target=self.read)
        self.thread.start()

    def read(self):
        for line in self.process.stdout:
            try:
                self.fleet.hear(self, json.loads(line))
            except ValueError:
                pass  # the last line of one that was killed

    def kill(self):
        self.process.kill()
        self.process.wait()
        self.thread.join()
        self.fleet.bury(self)

    def stop(self):
        self.process.terminate()
        self.process.wait()
        self.thread.join()


class Pgvector:
    """Vectors in the pgvector of scripts/services."""

    def __init__(self):
        self.database = os.environ["PENSTOCK_TEST_PGVECTOR"]
        self.url = "pgvector:" + self.database

    def __enter__(self):
        return self

    def __exit__(self, *_):
        pass

    def ordinals(self):
        """By document key and version, each chunk's ordinal as often as it is stored."""
        stored = {}
        for line in psql(self.database, "SELECT v.key, encode(v.version, 'hex'), c.ordinal "
                                        "FROM penstock.versions v "
                                        "JOIN penstock.chunks c ON c.version = v.id").splitlines():
            key, version, ordinal = line.rsplit("|", 2)
            stored.setdefault((document_id(key), version), []).append(int(ordinal))
        return stored


class Pinecone(Emulator):
    """Vectors in an emulated index, some of whose answers go wrong."""

    def __init__(self, penstock, seed):
        super().__init__(penstock, "--api-key", API_KEY, "--dimensions", str(DIMENSIONS),
                         "--latency", "5ms-50ms", "--visibility", "100ms-2s", "--faults", "0.02",
                         "--seed", str(seed), service="pinecone")

    def __enter__(self):
        super().__enter__()
        self.host = self.url.replace("pinecone://", "http://")
        return self

    def page(self, token):
        query = urllib.parse.urlencode({"paginationToken": token} if token else {})
        request = urllib.request.Request(f"{self.host}/vectors/list?{query}",
                                         headers={"Api-Key": API_KEY})
        while True:
            try:
                with urllib.request.urlopen(request, timeout=10) as response:
                    return json.load(response)
            except (OSError, http.client.HTTPException, ValueError):
                pass  # one of its faults

    def ordinals(self):
        stored = {}
        token = None
        while True:
            page = self.page(token)
            for vector in page["vectors"]:
                document, _, rest = vector["id"].partition("#")
                version, _, ordinal = rest.partition("#")
                if ordinal:  # else it is the record of the model
                    stored.setdefault((document, version), []).append(int(ordinal))
            token = page.get("pagination", {}).get("next")
            if not token:
                return stored


class Fleet:
    def __init__(self, options, folder, service, vectors):
        self.options = options
        self.folder = folder
        self.queue = os.environ["PENSTOCK_TEST_REDIS_CLUSTER"]
        ledger = os.environ["PENSTOCK_TEST_PGBOUNCER"]
        self.store = ["--ledger", ledger, "--vectors", vectors.url]
        self.embedder = ["--embedder", f"openai:{service.url}", "--dimensions", str(DIMENSIONS)]
        self.worker_options = [
            *self.store, *self.embedder, "--key", f"{API_KEY}:60000:{service.tokens_per_minute}",
            "--lease", str(LEASE), "--retry-after", "1", "--attempts", "20", "--concurrency", str(CONCURRENCY),
            "--extractors", "1"]
        self.environment = dict(os.environ, PENSTOCK_API_KEY_CHAOS=API_KEY, PINECONE_API_KEY=API_KEY)
        self.errors = open(os.path.join(folder, "workers.log"), "w")
        self.mutex = threading.Lock()
        self.lanes = {name: Lane() for name in ("bulk", "interactive")}  # guarded by mutex
        self.workers = []
        for _ in range(options.workers):
            self.workers.append(Worker(self))

    def command(self, name, *arguments):
        return [self.options.penstock, name, "--queue", self.queue, *arguments]

    def run(self, *arguments):
        return subprocess.run([self.options.penstock, *arguments], env=self.environment, text=True,
                              capture_output=True)

    def hear(self, worker, event):
        with self.mutex:
            if event["event"] == "worker":
                worker.is_ready = True
            elif event["event"] in ("claimed", "document"):
                lane = "interactive" if "/interactive/" in event["key"] else "bulk"
                self.advance()
                if event["event"] == "claimed":
                    self.lanes[lane].started(event["key"])
                    worker.in_work[lane].add(event["key"])
                else:
                    worker.in_work[lane].discard(event["key"])
            self.advance()

    def bury(self, worker):
        with self.mutex:
            worker.is_ready = False
            self.advance()
            for name, keys in worker.in_work.items():
                for key in keys:
                    self.lanes[name].orphaned(key)

    def advance(self):
        for name, lane in self.lanes.items():
            lane.advance(any(worker.is_ready and len(worker.in_work[name]) < CONCURRENCY
                             for worker in self.workers))

    def waits(self):
        return [wait for lane in self.lanes.values() for wait in lane.waits]

    def enqueue(self, lane, *sources):
        """Until the queue has taken everything."""
        while True:
            ran = subprocess.run(self.command("enqueue", "--json", "--lane", lane, *sources),
                                 text=True, capture_output=True)
            if ran.returncode == 0:
                return
            print(f"enqueue again: {ran.stderr.strip()}", flush=True)
            time.sleep(1)

    def status(self):
        ran = self.run("status", "--queue", self.queue, "--json", *self.store)
        return json.loads(ran.stdout.splitlines()[-1]) if ran.returncode == 0 else None


class Disasters:
    """What goes wrong, one after another, in an order that the seed decides."""

    def __init__(self, fleet, chance):
        self.fleet = fleet
        self.chance = chance
        self.services = os.environ["PENSTOCK_TEST_SERVICES"]
        self.counts = {"workers": 0, "masters": 0, "postgres": 0, "pgbouncer": 0}
        self.dead_node = None  # (port, when)
        self.next_master = 0  # not before

    def next(self):
        self.mend_redis()
        what = self.chance.choices(["workers", "masters", "postgres", "pgbouncer"], [6, 2, 1, 1])[0]
        if what == "masters" and time.monotonic() < self.next_master:
            what = "workers"
        self.counts[what] += 1
        print(f"{time.strftime('%H:%M:%S')} kills {what}", flush=True)
        getattr(self, what)()

    def workers(self):
        index = self.chance.randrange(len(self.fleet.workers))
        self.fleet.workers[index].kill()
        self.fleet.workers[index] = Worker(self.fleet)

    def masters(self):
        for folder in sorted(os.listdir(f"{self.services}/cluster")):
            if not os.path.isdir(f"{self.services}/cluster/{folder}"):
                continue
            role = subprocess.run(["redis-cli", "-p", folder, "role"], capture_output=True, text=True)
            if role.stdout.startswith("master") and role.stdout.count("\n") > 2:  # it has a replica
                with open(f"{self.services}/cluster/{folder}.pid") as file:
                    os.kill(int(file.read()), signal.SIGKILL)
                self.dead_node = (folder, time.monotonic())
                # The fleet's quota may have been there: then nothing is sent for a minute.
                self.next_master = time.monotonic() + 90
                return

    def mend_redis(self, at_once=False):
        if not self.dead_node or (not at_once and time.monotonic() - self.dead_node[1] < 10):
            return
        port = self.dead_node[0]
        node = subprocess.Popen(["redis-server", f"{self.services}/cluster/{port}/redis.conf"],
                                stdout=subprocess.DEVNULL)
        with open(f"{self.services}/cluster/{port}.pid", "w") as file:
            file.write(str(node.pid))
        with open(f"{self.services}/pids", "a") as file:
            file.write(f"{node.pid}\n")
        self.dead_node = None

    def postgres(self):
        subprocess.run([f"{self.services}/restart_postgres"], check=True)

    def pgbouncer(self):
        subprocess.run([f"{self.services}/restart_pgbouncer"], check=True)


def psql(database, query):
    return subprocess.run(["psql", "-XAt", database, "-c", query], capture_output=True, text=True,
                          check=True).stdout.strip()


def document_id(key):
    """As a record's id in Pinecone begins."""
    return hashlib.sha256(key.encode()).hexdigest()[:32]


def make_documents(options, folder):
    """Small documents, some of them broken for good; one in ten is interactive."""
    for lane, share in (("bulk", 0.9), ("interactive", 0.1)):
        subprocess.run([options.make_fixtures, f"{folder}/{lane}", "--documents",
                        str(max(int(options.documents * share), 1)), "--bytes", "3000-12000", "--seed",
                        str(options.seed + int(share * 10))], check=True, stdout=subprocess.DEVNULL)
    subprocess.run([options.make_fixtures, f"{folder}/bulk/sample"], check=True,
                   stdout=subprocess.DEVNULL)


def pdfs(folder):
    return sorted(os.path.join(path, name) for path, _, names in os.walk(folder) for name in names
                  if name.endswith(".pdf"))


def change_some(options, chance, folder):
    """Documents that get another's content: their old vectors are to go."""
    names = [name for name in pdfs(f"{folder}/bulk") if "/sample/" not in name]
    for name in chance.sample(names, len(names) // 20):
        with open(chance.choice(names), "rb") as other:
            content = other.read()
        with open(name + ".new", "wb") as file:
            file.write(content)
        os.rename(name + ".new", name)


def work_until_empty(fleet, disasters, pause):
    started = time.monotonic()
    while True:
        time.sleep(pause)
        status = fleet.status()
        if status:
            lanes = status["queue"]["lanes"].values()
            left = sum(lane["waiting"] + lane["leased"] + lane["delayed"] for lane in lanes)
            print(f"{time.strftime('%H:%M:%S')} {left} left, {status['documents']['done']} done, "
                  f"{status['queue']['dead']} dead", flush=True)
            if left == 0:
                return time.monotonic() - started
        disasters.next()


def main():
    options = arguments()
    chance = random.Random(options.seed)
    # As much as takes a minute and a half: enough disasters fit, whatever the machine.
    tokens_per_minute = max(options.documents * 80, 20_000)
    with tempfile.TemporaryDirectory(prefix="penstock-chaos-") as folder:
        documents = os.path.join(folder, "documents")
        make_documents(options, documents)
        service = Emulator(options.penstock, "--key", f"{API_KEY}:60000:{tokens_per_minute}",
                           "--faults", "0.02", "--latency", "20ms-200ms", "--seed", str(options.seed))
        service.tokens_per_minute = tokens_per_minute
        vectors = (Pinecone(options.penstock, options.seed) if options.vectors == "pinecone" else
                   Pgvector())
        with service, vectors:
            fleet = Fleet(options, folder, service, vectors)
            disasters = Disasters(fleet, chance)
            bulk = ["--include", "*.pdf", f"{documents}/bulk"]
            interactive = ["--include", "*.pdf", f"{documents}/interactive"]
            fleet.enqueue("bulk", *bulk)
            fleet.enqueue("interactive", *interactive)
            change_some(options, chance, documents)
            fleet.enqueue("bulk", *bulk)
            accepted = len(pdfs(documents))
            seconds = work_until_empty(fleet, disasters, options.pause)
            disasters.mend_redis(at_once=True)
            for worker in fleet.workers:
                worker.stop()
            verdict = judge(fleet, service, vectors, accepted)
    verdict.update(disasters.counts, seconds=round(seconds, 1), seed=options.seed,
                   restarts=len(fleet.waits()), latest_start=round(max(fleet.waits(), default=0), 1))
    sound = (verdict["accepted"] == verdict["done"] + verdict["dead"] and verdict["missing"] == 0 and
             verdict["duplicates"] == 0 and verdict["fsck"] == "clean" and
             verdict["violations"] == 0 and verdict["latest_start"] <= LEASE)
    print(json.dumps(verdict))
    return 0 if sound else 1


def judge(fleet, service, vectors, accepted):
    status = fleet.status()
    done = status["documents"]["done"] + status["documents"]["no_text"]
    dead = status["queue"]["dead"]
    expected = {}
    for line in psql(os.environ["PENSTOCK_TEST_POSTGRES"],
                     "SELECT key, encode(current, 'hex'), chunks FROM penstock.documents "
                     "WHERE current IS NOT NULL").splitlines():
        key, version, chunks = line.rsplit("|", 2)
        expected[document_id(key), version] = int(chunks)
    stored = vectors.ordinals()
    missing = max(accepted - done - dead, 0)
    duplicates = 0
    for name, chunks in expected.items():
        ordinals = stored.pop(name, [])
        missing += not set(ordinals) >= set(range(chunks))
        duplicates += len(ordinals) > chunks
    duplicates += len(stored)  # versions that are nobody's
    fsck = fleet.run("fsck", "--json", *fleet.store)
    report = json.loads(fsck.stdout.splitlines()[-1])
    clean = fsck.returncode == 0 and report["interrupted"] == 0
    stats = service.get("/stats")
    return {"accepted": accepted, "done": done, "dead": dead, "missing": missing,
            "duplicates": duplicates, "fsck": "clean" if clean else fsck.stdout.strip(),
            "violations": stats["violations"], "tokens": stats["tokens"]}


sys.exit(main())
