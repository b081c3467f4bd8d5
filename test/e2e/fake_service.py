"""A service that is made up: the HTTP API with plausible, moving answers, and the dashboard's files.

    fake_service.py DASHBOARD DYGRAPHS [--port N] [--busy]

prints its address once it listens. What is uploaded goes through all milestones within a second or two;
text and simple PDFs can be searched. --busy adds a fleet at work, with alerts and failures.
"""
import argparse
import hashlib
import http.server
import json
import math
import mimetypes
import os
import queue
import random
import re
import threading
import time
import urllib.parse
from datetime import datetime, timezone

milestones = ["received", "queued", "started", "extracted", "embedded", "stored", "done"]


def stamp(seconds):
    at = datetime.fromtimestamp(seconds, timezone.utc)
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def pages_of(content):
    """The pages of a text, or of a PDF without compression; None where it is neither."""
    if content.startswith(b"%PDF"):
        pages = [b" ".join(re.findall(rb"\(([^)]*)\) Tj", stream)).decode("latin-1")
                 for stream in re.findall(rb"stream\n(.*?)endstream", content, re.DOTALL)]
        return pages or None
    try:
        return None if b"\0" in content else [content.decode()]
    except UnicodeDecodeError:
        return None


class Service:
    """All state, behind one lock."""

    def __init__(self, busy):
        self.lock = threading.RLock()
        self.documents = {}  # in the order they came
        self.contents = {}
        self.pages = {}
        self.idempotency = {}
        self.listeners = []
        self.busy = busy
        self.started = time.time() - (93_784 if busy else 0)
        self.finished = []  # when
        if busy:
            self.invent()

    def invent(self):
        reports = [
            ("Backpressure in stream processors.pdf", "done", 14), ("annual-report-2025.pdf", "done", 212),
            ("scan_0042.pdf", "no_text", 3), ("Vertrag Müller.pdf", "encrypted", None), ("notes.txt", "done", 1),
            ("Turbine maintenance manual, revision 7.pdf", "done", 388), ("invoice 2026-11.pdf", "done", 2),
            ("broken-download.pdf", "corrupt", None), ("Hydraulics – an introduction.pdf", "done", 96),
        ]
        for i, (name, outcome, pages) in enumerate(reports):
            doc = self.add(name, "bulk" if i % 3 else "interactive", (pages or 9) * 41_000, "application/pdf",
                           time.time() - 60 * (len(reports) - i) * 7)
            at = time.time() - 60 * (len(reports) - i) * 7
            for milestone, took in zip(milestones, (0, 0.02, 0.31, 0.64, 0.9, 0.05, 0.01)):
                at += took * (1 + (pages or 1) / 60)
                doc["timeline"][milestone] = stamp(at)
            self.conclude(doc, outcome, pages)

    def add(self, name, lane, size, media_type, at, sha="0" * 64):
        doc_id = hashlib.md5(f"{name}{at}{len(self.documents)}".encode()).hexdigest()
        doc = {
            "id": doc_id, "name": name, "media_type": media_type, "bytes": size, "sha256": sha, "lane": lane,
            "region": "eu-west", "metadata": {}, "state": "queued", "outcome": None, "message": "", "attempts": 1,
            "pages": 0, "chunks": 0, "tokens": 0, "timeline": dict.fromkeys(milestones),
            "links": {"self": f"/v1/documents/{doc_id}", "content": f"/v1/documents/{doc_id}/content",
                      "events": f"/v1/documents/{doc_id}/events"},
        }
        doc["timeline"]["received"] = stamp(at)
        self.documents[doc_id] = doc
        return doc

    def conclude(self, doc, outcome, pages):
        messages = {"no_text": "no page has text", "encrypted": "needs a password to open",
                    "corrupt": "damaged beyond repair: no page tree", "unsupported": "neither a PDF nor text"}
        doc["state"] = "done" if outcome == "done" else "failed"
        doc["outcome"] = outcome
        doc["message"] = messages.get(outcome, "")
        if outcome == "done":
            doc.update(pages=pages, chunks=3 * pages, tokens=1190 * pages)
        self.finished.append(time.time())

    def upload(self, name, lane, media_type, content, key):
        with self.lock:
            if key and key in self.idempotency:
                return self.documents[self.idempotency[key]]
            doc = self.add(name, lane, len(content), media_type, time.time(), hashlib.sha256(content).hexdigest())
            self.contents[doc["id"]] = (media_type, content)
            if key:
                self.idempotency[key] = doc["id"]
            self.tell(doc, "received")
        self.work(doc)
        return doc

    def work(self, doc):
        threading.Thread(target=self.process, args=(doc,), daemon=True).start()

    def process(self, doc):
        pages = pages_of(self.contents.get(doc["id"], ("", b"\0"))[1])
        for milestone in milestones[1:]:
            time.sleep(random.uniform(0.03, 0.25))
            with self.lock:
                if doc["id"] not in self.documents:
                    return
                if milestone == "extracted" and pages is None:
                    content = self.contents.get(doc["id"], ("", b""))[1]
                    self.conclude(doc, "corrupt" if content.startswith(b"%PDF") else "unsupported", 0)
                    doc["timeline"]["done"] = stamp(time.time())
                    self.tell(doc, "done")
                    return
                doc["state"] = "processing" if milestone not in ("queued", "done") else "queued"
                doc["timeline"][milestone] = stamp(time.time())
                if milestone == "done":
                    self.pages[doc["id"]] = pages
                    self.conclude(doc, "done", len(pages))
                self.tell(doc, milestone)

    def tell(self, doc, milestone):
        event = {key: doc[key] for key in ("id", "name", "lane", "outcome", "message")}
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
        words = [re.escape(word) for word in text.split()]
        hits = []
        for doc_id, pages in self.pages.items():
            if doc_id not in self.documents:
                continue
            for number, page in enumerate(pages, 1):
                found = sum(len(re.findall(word, page, re.IGNORECASE)) for word in words)
                if found:
                    snippet = re.sub("|".join(words), lambda m: f"\2{m[0]}\3", page[:400], flags=re.IGNORECASE)
                    hits.append({"score": found, "id": doc_id, "name": self.documents[doc_id]["name"],
                                 "page_first": number, "page_last": number, "text": page, "snippet": snippet})
        hits.sort(key=lambda hit: -hit["score"])
        return [{"rank": rank, **hit} for rank, hit in enumerate(hits[:limit], 1)]

    def overview(self):
        now = time.time()
        documents = list(self.documents.values())
        busy = 1 if self.busy else 0
        wave = lambda period, shift=0: 0.5 + 0.5 * math.sin((now + shift) / period * 2 * math.pi)
        mine = {lane: [doc for doc in documents if doc["lane"] == lane and doc["state"] in ("queued", "processing")]
                for lane in ("interactive", "bulk")}

        def lane(name, waiting, leased):
            own = mine[name]
            return {"waiting": int(waiting) + sum(doc["state"] == "queued" for doc in own), "delayed": 3 * busy,
                    "leased": int(leased) + sum(doc["state"] == "processing" for doc in own),
                    "oldest_s": 0.4 + waiting / 90}

        recent = sum(now - at < 60 for at in self.finished) / 60
        rate = busy * (38 + 14 * wave(97) + 5 * wave(13)) + recent
        workers = [{"name": f"worker-{host}/{4000 + i}", "documents_in_flight": 12 + int(6 * wave(11, i * 3)),
                    "done": int((now - self.started) * (9 + i)), "failed": 17 * i, "cpu_cores": 1.2 + 0.7 * wave(19, i * 5),
                    "memory_bytes": int(2.1e8 + 9e7 * wave(31, i)), "up_s": now - self.started - 600 * i,
                    "draining": i == 3, "documents_per_second": (8 + 4 * wave(17, i * 7)) * (i != 3)}
                   for i, host in enumerate(("fra1", "fra2", "ams1", "ams2"))] if busy else [
            {"name": "in this process", "documents_in_flight": len(mine["interactive"]), "done": len(self.finished),
             "failed": 0, "cpu_cores": 0.1, "memory_bytes": 84_000_000, "up_s": now - self.started, "draining": False,
             "documents_per_second": recent}]
        p50 = {"queued": 210, "extract": 340, "embed": 620, "store": 45}
        stages = [{"name": name, "p50_ms": ms * (0.9 + 0.2 * wave(23, ms)), "p95_ms": ms * (2.4 + 0.6 * wave(41, ms)),
                   "documents": 2400} for name, ms in p50.items()]
        stages.append({"name": "total", "p50_ms": 1240 + 60 * wave(23), "p95_ms": 2900 + 200 * wave(41), "documents": 2400})
        return {
            "version": "0.1.0", "started_at": stamp(self.started), "now": stamp(now),
            "queue": {"interactive": lane("interactive", busy * 9 * wave(21), busy * 14),
                      "bulk": lane("bulk", busy * (640 + 420 * wave(140)), busy * 41), "dead": len(self.failures())},
            "rates": {"documents": rate, "failed": busy * 0.3 * wave(29), "pages": rate * 13.4, "tokens": rate * 9800},
            "workers": workers,
            "quotas": [{"endpoint": "api.openai.com", "keys": [
                {"key": "1", "requests_per_minute": 3000, "requests_used": int(2890 + 90 * wave(37)),
                 "tokens_per_minute": 1_000_000, "tokens_used": int(985_000 + 14_000 * wave(43)), "paused_s": 0},
                {"key": "2", "requests_per_minute": 3000, "requests_used": int(1400 + 300 * wave(53)),
                 "tokens_per_minute": 1_000_000, "tokens_used": int(610_000 + 90_000 * wave(61)), "paused_s": 12 * busy},
            ]}] if busy else [],
            "stages": stages if busy or self.finished else [],
            "documents": {"total": sum(doc["state"] == "done" for doc in documents) + 48_211 * busy,
                          "bytes": sum(doc["bytes"] for doc in documents) + busy * 91_300_000_000},
            "alerts": [{"name": "late_start", "severity": "warning", "text": "Documents of the bulk lane start later than 10 s",
                        "since": stamp(now - 190)}] if busy else [],
        }


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def answer(self, status, body=b"", media_type="application/json", headers=()):
        if not isinstance(body, bytes):
            body = json.dumps(body).encode()
        self.send_response(status)
        if status != 204:
            self.send_header("Content-Type", media_type)
            self.send_header("Content-Length", str(len(body)))
        self.send_header("Content-Security-Policy", "default-src 'self'")
        for name, value in headers:
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def problem(self, status, detail):
        self.answer(status, {"type": "about:blank", "title": "Problem", "status": status, "detail": detail},
                    "application/problem+json")

    def handle_any(self):
        service = self.server.service
        url = urllib.parse.urlsplit(self.path)
        query = {name: values[0] for name, values in urllib.parse.parse_qs(url.query).items()}
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        verb = f"{self.command} {url.path}"
        if (found := re.fullmatch(r"/v1/documents/([0-9a-f]+)(/\w+)?", url.path)):
            doc = service.documents.get(found[1])
            if doc is None:
                return self.problem(404, "There is no such document.")
            return self.of_document(self.command + " " + (found[2] or ""), doc)
        match verb:
            case "POST /v1/documents":
                if not body:
                    return self.problem(400, "The document is empty.")
                doc = service.upload(query["name"], query.get("lane", "interactive"), self.headers.get("Content-Type", ""),
                                     body, self.headers.get("Idempotency-Key"))
                return self.answer(202, doc, headers=[("Location", doc["links"]["self"])])
            case "GET /v1/documents":
                newest = list(reversed(service.documents.values()))
                begin, limit = int(query.get("cursor", 0)), int(query.get("limit", 50))
                more = str(begin + limit) if begin + limit < len(newest) else None
                return self.answer(200, {"documents": newest[begin:begin + limit], "next": more})
            case "GET /v1/overview":
                return self.answer(200, service.overview())
            case "GET /v1/failures":
                return self.answer(200, {"failures": service.failures()[:int(query.get("limit", 100))]})
            case "GET /v1/search":
                return self.answer(200, {"query": query["q"], "hits": service.search(query["q"], int(query.get("limit", 10)))})
            case "GET /v1/events":
                return self.events()
            case _:
                return self.file(url.path)

    def of_document(self, verb, doc):
        service = self.server.service
        match verb:
            case "GET ":
                return self.answer(200, doc)
            case "DELETE ":
                del service.documents[doc["id"]]
                return self.answer(204)
            case "POST /retry":
                service.retry(doc)
                return self.answer(202, doc)
            case "POST /links":
                return self.answer(200, {"url": doc["links"]["content"] + "?expires=1&signature=made-up",
                                         "expires": stamp(time.time() + 3600)})
            case "GET /content":
                media_type, content = service.contents.get(doc["id"], ("text/plain", b"made up"))
                return self.answer(200, content, media_type)
        return self.problem(405, "Not with this method.")

    def events(self):
        events = queue.Queue()
        self.server.service.listeners.append(events)
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Connection", "close")
        self.end_headers()
        self.close_connection = True
        try:
            while True:
                try:
                    text = f"event: document\ndata: {json.dumps(events.get(timeout=1))}\n\n"
                except queue.Empty:
                    text = ":\n\n"
                self.wfile.write(text.encode())
        except OSError:
            self.server.service.listeners.remove(events)

    def file(self, path):
        folder, dygraphs = self.server.folders
        name = "index.html" if path == "/" else os.path.basename(path)
        source = os.path.join(folder, name)
        if name.startswith("dygraph."):
            source = os.path.join(dygraphs, name.replace("dygraph.", "dygraph.min."))
        if self.command != "GET" or not (path == "/" or path.startswith("/assets/")) or not os.path.isfile(source):
            return self.problem(404, "There is nothing here.")
        with open(source, "rb") as file:
            return self.answer(200, file.read(), mimetypes.guess_type(name)[0], [("Cache-Control", "no-cache")])

    do_GET = do_POST = do_DELETE = handle_any


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("dashboard")
    parser.add_argument("dygraphs")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--busy", action="store_true")
    options = parser.parse_args()
    server = http.server.ThreadingHTTPServer(("127.0.0.1", options.port), Handler)
    server.daemon_threads = True
    server.service = Service(options.busy)
    server.folders = (options.dashboard, options.dygraphs)
    print(f"http://127.0.0.1:{server.server_address[1]}", flush=True)
    server.serve_forever()


main()
