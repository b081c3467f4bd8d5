"""The state of a service that is made up: documents on their way, a fleet at work, alerts."""
import hashlib
import math
import queue
import random
import re
import threading
import time
from datetime import datetime, timezone

milestones = ["received", "queued", "started", "extracted", "embedded", "stored", "done"]
messages = {
    "encrypted": "needs a password to open",
    "corrupt": "damaged beyond repair: no page tree",
    "unsupported": "neither a PDF nor text",
}
# Name, outcome, pages; minutes apart.
past = [
    ("Backpressure in stream processors.pdf", "done", 14),
    ("annual-report-2025.pdf", "done", 212),
    ("scan_0042.pdf", "no_text", 3),
    ("Vertrag Müller.pdf", "encrypted", 9),
    ("notes.txt", "done", 1),
    ("Turbine maintenance manual, revision 7.pdf", "done", 388),
    ("invoice 2026-11.pdf", "done", 2),
    ("broken-download.pdf", "corrupt", 9),
    ("Hydraulics, an introduction.pdf", "done", 96),
]
stage_p50_ms = {"queued": 210, "extract": 340, "embed": 620, "store": 45}


def stamp(seconds):
    at = datetime.fromtimestamp(seconds, timezone.utc)
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def wave(period, shift=0.0):
    """Between 0 and 1, and back, in so many seconds."""
    return 0.5 + 0.5 * math.sin((time.time() + shift) / period * 2 * math.pi)


def pages_of(content):
    """The pages of a text, or of a PDF without compression; None where it is neither."""
    if content.startswith(b"%PDF"):
        streams = re.findall(rb"stream\n(.*?)endstream", content, re.DOTALL)
        return [b" ".join(re.findall(rb"\(([^)]*)\) Tj", stream)).decode("latin-1")
                for stream in streams] or None
    try:
        return None if b"\0" in content else [content.decode()]
    except UnicodeDecodeError:
        return None


class Service:
    """What is uploaded goes through all milestones in a second or so, on a thread of its own."""

    def __init__(self, busy):
        self.lock = threading.RLock()  # of everything below
        self.documents = {}  # in the order they came
        self.contents = {}
        self.pages = {}
        self.idempotency = {}
        self.listeners = []
        self.finished = []  # when
        self.busy = busy
        self.started = time.time() - (93_784 if busy else 0)
        if busy:
            self.invent_past()

    def invent_past(self):
        for i, (name, outcome, pages) in enumerate(past):
            at = time.time() - 420 * (len(past) - i)
            lane = "bulk" if i % 3 else "interactive"
            doc = self.add(name, lane, pages * 41_000, "application/pdf", at)
            for milestone, took in zip(milestones, (0, 0.02, 0.31, 0.64, 0.9, 0.05, 0.01)):
                if outcome == "done" or milestone in ("received", "queued", "started", "done"):
                    at += took * (1 + pages / 60)
                    doc["timeline"][milestone] = stamp(at)
            self.conclude(doc, outcome, pages)

    def add(self, name, lane, size, media_type, at, sha256="0" * 64):
        doc_id = hashlib.md5(f"{name}{at}{len(self.documents)}".encode()).hexdigest()
        self_link = f"/v1/documents/{doc_id}"
        doc = self.documents[doc_id] = {
            "id": doc_id, "name": name, "media_type": media_type, "bytes": size, "sha256": sha256,
            "lane": lane, "region": "eu-west", "metadata": {},
            "state": "queued", "outcome": None, "message": "", "attempts": 1,
            "pages": 0, "chunks": 0, "tokens": 0,
            "timeline": {**dict.fromkeys(milestones), "received": stamp(at)},
            "links": {"self": self_link, "content": self_link + "/content",
                      "events": self_link + "/events"},
        }
        return doc

    def conclude(self, doc, outcome, pages):
        doc.update(state="done" if outcome in ("done", "no_text") else "failed", outcome=outcome,
                   message=messages.get(outcome, ""))
        if outcome == "done":
            doc.update(pages=pages, chunks=3 * pages, tokens=1190 * pages)
        self.finished.append(time.time())

    def upload(self, name, lane, media_type, content, key):
        with self.lock:
            if key in self.idempotency:
                return self.documents[self.idempotency[key]]
            sha256 = hashlib.sha256(content).hexdigest()
            doc = self.add(name, lane, len(content), media_type, time.time(), sha256)
            self.contents[doc["id"]] = (media_type, content)
            if key:
                self.idempotency[key] = doc["id"]
            self.tell(doc, "received")
        self.work(doc)
        return doc

    def work(self, doc):
        threading.Thread(target=self.process, args=(doc,), daemon=True).start()

    def process(self, doc):
        _, content = self.contents.get(doc["id"], ("", b"\0"))
        pages = pages_of(content)
        for milestone in milestones[1:]:
            time.sleep(random.uniform(0.03, 0.25))
            with self.lock:
                if doc["id"] not in self.documents:
                    return
                if milestone == "extracted" and pages is None:
                    milestone = "done"
                    outcome = "corrupt" if content.startswith(b"%PDF") else "unsupported"
                    self.conclude(doc, outcome, 0)
                elif milestone == "extracted" and not "".join(pages).strip():
                    milestone = "done"
                    self.conclude(doc, "no_text", len(pages))
                elif milestone == "done":
                    self.pages[doc["id"]] = pages
                    self.conclude(doc, "done", len(pages))
                elif milestone != "queued":
                    doc["state"] = "processing"
                doc["timeline"][milestone] = stamp(time.time())
                self.tell(doc, milestone)
                if milestone == "done":
                    return

    def listen(self):
        with self.lock:
            self.listeners.append(queue.Queue())
            return self.listeners[-1]

    def tell(self, doc, milestone):
        event = {key: doc[key] for key in ("id", "lane", "outcome", "message")}
        event.update(milestone=milestone, at=doc["timeline"][milestone])
        for listener in self.listeners:
            listener.put(event)

    def retry(self, doc):
        with self.lock:
            doc.update(state="queued", outcome=None, message="", attempts=doc["attempts"] + 1)
            doc["timeline"].update(dict.fromkeys(milestones[1:]))
        self.work(doc)

    def failures(self):
        return [{key: doc[key] for key in ("id", "name", "lane", "outcome", "message", "attempts")}
                for doc in self.documents.values() if doc["state"] == "failed"]

    def search(self, text, limit):
        words = re.compile("|".join(re.escape(word) for word in text.split()), re.IGNORECASE)
        hits = []
        for doc_id, pages in self.pages.items():
            for number, page in enumerate(pages, 1):
                if doc_id in self.documents and (score := len(words.findall(page))):
                    hits.append({"score": score, "id": doc_id,
                                 "name": self.documents[doc_id]["name"],
                                 "page_first": number, "page_last": number, "text": page,
                                 "snippet": words.sub(lambda match: f"\2{match[0]}\3", page[:400])})
        hits.sort(key=lambda hit: -hit["score"])
        return [{"rank": rank, **hit} for rank, hit in enumerate(hits[:limit], 1)]

    def overview(self):
        now = time.time()
        documents = list(self.documents.values())
        recent = sum(now - at < 60 for at in self.finished) / 60
        rate = self.busy * (38 + 14 * wave(97) + 5 * wave(13)) + recent
        waiting = {"interactive": 9 * wave(21), "bulk": 640 + 420 * wave(140)}
        done = sum(doc["state"] == "done" for doc in documents)
        size = sum(doc["bytes"] for doc in documents)
        return {
            "version": "0.1.0", "started_at": stamp(self.started), "now": stamp(now),
            "queue": {**{lane: self.lane(lane, self.busy * n) for lane, n in waiting.items()},
                      "dead": len(self.failures())},
            "rates": {"documents": rate, "failed": self.busy * 0.3 * wave(29),
                      "pages": rate * 13.4, "tokens": rate * 9800},
            "workers": self.workers(recent),
            "quotas": [{"endpoint": "api.openai.com", "keys": [
                quota("1", 2890 + 90 * wave(37), 985_000 + 14_000 * wave(43), 0),
                quota("2", 1400 + 300 * wave(53), 610_000 + 90_000 * wave(61), 12),
            ]}] if self.busy else [],
            "stages": stages() if self.busy or self.finished else [],
            "documents": {"total": done + 48_211 * self.busy,
                          "bytes": size + 91_300_000_000 * self.busy},
            "alerts": [{"name": "late_start", "severity": "warning", "since": stamp(now - 190),
                        "text": "Documents of the bulk lane start later than 10 s"}]
                      if self.busy else [],
        }

    def lane(self, lane, waiting):
        states = [doc["state"] for doc in self.documents.values() if doc["lane"] == lane]
        return {"waiting": int(waiting) + states.count("queued"), "delayed": 3 * self.busy,
                "leased": 27 * self.busy + states.count("processing"),
                "oldest_s": 0.4 + waiting / 90}

    def workers(self, recent):
        up_s = time.time() - self.started
        if not self.busy:
            return [worker("in this process", 0, len(self.finished), 0.1, 84e6, up_s, recent)]
        return [worker(f"worker-{host}/{4000 + i}", 12 + int(6 * wave(11, i * 3)),
                       int(up_s * (9 + i)), 1.2 + 0.7 * wave(19, i * 5), 2.1e8 + 9e7 * wave(31, i),
                       up_s - 600 * i, (8 + 4 * wave(17, i * 7)) * (i != 3))
                for i, host in enumerate(("fra1", "fra2", "ams1", "ams2"))]


def worker(name, in_flight, done, cores, memory, up_s, rate):
    return {"name": name, "documents_in_flight": in_flight, "done": done, "failed": done // 50_000,
            "cpu_cores": cores, "memory_bytes": int(memory), "up_s": up_s,
            "draining": name.startswith("worker-") and rate == 0, "documents_per_second": rate}


def quota(key, requests, tokens, paused_s):
    return {"key": key, "requests_per_minute": 3000, "requests_used": int(requests),
            "tokens_per_minute": 1_000_000, "tokens_used": int(tokens), "paused_s": paused_s}


def stages():
    def stage(name, p50_ms, p95_ms):
        return {"name": name, "p50_ms": p50_ms, "p95_ms": p95_ms, "documents": 2400}

    return [*(stage(name, ms * (0.9 + 0.2 * wave(23, ms)), ms * (2.4 + 0.6 * wave(41, ms)))
              for name, ms in stage_p50_ms.items()),
            stage("total", 1240 + 60 * wave(23), 2900 + 200 * wave(41))]
