"""A service that is made up: the HTTP API over made_up.py, and the dashboard's files.

    fake_service.py DASHBOARD DYGRAPHS [--port N] [--busy]

prints its address once it listens. Text and simple PDFs that are uploaded can be searched; --busy adds
a fleet at work, with an alert and failures.
"""
import argparse
import http.server
import json
import mimetypes
import os
import queue
import re
import time
import urllib.parse

from made_up import Service, stamp


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def answer(self, status, body=b"", media_type="application/json", **headers):
        if not isinstance(body, bytes):
            body = json.dumps(body).encode()
        self.send_response(status)
        if status != 204:
            self.send_header("Content-Type", media_type)
            self.send_header("Content-Length", str(len(body)))
        self.send_header("Content-Security-Policy", "default-src 'self'")
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(body)

    def problem(self, status, detail):
        self.answer(status, {"type": "about:blank", "title": "No", "status": status,
                             "detail": detail}, "application/problem+json")

    def route(self):
        service = self.server.service
        url = urllib.parse.urlsplit(self.path)
        query = dict(urllib.parse.parse_qsl(url.query))
        limit = int(query.get("limit", 10))
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if (found := re.fullmatch(r"/v1/documents/([0-9a-f]+)(/\w+)?", url.path)):
            return self.of_document(service.documents.get(found[1]), found[2] or "")
        match f"{self.command} {url.path}":
            case "POST /v1/documents" if not body:
                return self.problem(400, "The document is empty.")
            case "POST /v1/documents":
                doc = service.upload(query["name"], query.get("lane", "interactive"),
                                     self.headers.get("Content-Type", ""), body,
                                     self.headers.get("Idempotency-Key"))
                return self.answer(202, doc, Location=doc["links"]["self"])
            case "GET /v1/documents":
                newest = list(reversed(service.documents.values()))
                begin = int(query.get("cursor", 0))
                end = begin + limit
                more = str(end) if end < len(newest) else None
                return self.answer(200, {"documents": newest[begin:end], "next": more})
            case "GET /v1/overview":
                return self.answer(200, service.overview())
            case "GET /v1/failures":
                return self.answer(200, {"failures": service.failures()[:limit]})
            case "GET /v1/search":
                hits = service.search(query["q"], limit)
                return self.answer(200, {"query": query["q"], "hits": hits})
            case "GET /v1/events":
                return self.events(service)
            case _:
                return self.file(url.path)

    do_GET = do_POST = do_DELETE = route

    def of_document(self, doc, rest):
        service = self.server.service
        if doc is None:
            return self.problem(404, "There is no such document.")
        match self.command + rest:
            case "GET":
                return self.answer(200, doc)
            case "DELETE":
                del service.documents[doc["id"]]
                return self.answer(204)
            case "POST/retry":
                service.retry(doc)
                return self.answer(202, doc)
            case "POST/links":
                url = doc["links"]["content"] + "?expires=1&signature=made-up"
                return self.answer(200, {"url": url, "expires": stamp(time.time() + 3600)})
            case "GET/content":
                media_type, content = service.contents.get(doc["id"], ("text/plain", b"made up"))
                return self.answer(200, content, media_type)
        return self.problem(405, "Not with this method.")

    def events(self, service):
        events = service.listen()
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
            service.listeners.remove(events)

    def file(self, path):
        dashboard, dygraphs = self.server.folders
        name = "index.html" if path == "/" else path.removeprefix("/assets/")
        source = os.path.join(dashboard, name)
        if name.startswith("dygraph."):
            source = os.path.join(dygraphs, name.replace("dygraph.", "dygraph.min."))
        if "/" in name or not os.path.isfile(source):
            return self.problem(404, "There is nothing here.")
        with open(source, "rb") as file:
            return self.answer(200, file.read(), mimetypes.guess_type(name)[0],
                               Cache_Control="no-cache")


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
