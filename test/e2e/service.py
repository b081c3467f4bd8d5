#!/usr/bin/env python3
"""The service as its users meet it: documents are uploaded, watched, found, fetched and deleted, the server
is killed in the middle, and whoever should not get in does not.

usage: service.py PENSTOCK MAKE_FIXTURES [unittest arguments]
"""
import json
import os
import re
import signal
import socket
import stat
import subprocess
import sys
import threading
import unittest
import urllib.parse

from cases import wait_until
from servers import behind_pgbouncer, make_database, of_its_own, server
from described import is_time
from serving import Serving, form

TEXT = b"The heron stands in the shallow water at dawn. " * 20


class Documents(Serving):
    """A service with nothing configured."""

    def test_a_document_is_uploaded_watched_found_replaced_and_deleted(self):
        self.serve()
        answer = self.upload(self.sample("lighthouse.pdf"), name="lighthouse.pdf",
                             metadata='{"shelf": 7}', headers={"Content-Type": "application/pdf"})
        identity = answer.json()["id"]
        self.assertEqual(answer.headers["Location"], "/v1/documents/" + identity)
        done = self.until(identity, "done", "failed")
        self.assertEqual((done["outcome"], done["metadata"], done["media_type"]),
                         ("done", {"shelf": 7}, "application/pdf"))
        steps = [done["timeline"][step] for step in
                 ("received", "queued", "started", "extracted", "embedded", "stored", "done")]
        self.assertTrue(all(map(is_time, steps)), steps)
        self.assertEqual(steps, sorted(steps))
        self.assertGreater(done["chunks"], 0)
        self.assertEqual(self.get(done["links"]["content"]).body, self.sample("lighthouse.pdf"))
        self.assertIn(identity, self.found("lighthouse keeper"))

        self.upload(TEXT, path=done["links"]["self"], method="PUT", name="heron.txt")
        wait_until(lambda: self.document(identity)["state"] == "done")
        self.assertEqual(self.found("heron in shallow water"), [identity])
        hit = self.get("/v1/search?q=heron&limit=1").json()["hits"][0]
        self.assertEqual((hit["name"], hit["page_first"]), ("heron.txt", 1))
        self.assertIn("\x02heron\x03", hit["snippet"])
        self.assertNotIn("lighthouse", self.get("/v1/search?q=lighthouse").json()["hits"][0]["text"])

        self.assertEqual(self.ask("DELETE", done["links"]["self"]).status, 204)
        self.get(done["links"]["self"], 404)
        self.get(done["links"]["content"], 404)
        self.assertEqual(self.ask("DELETE", done["links"]["self"]).status, 404)
        self.assertEqual(self.found("heron in shallow water"), [])
        wait_until(lambda: self.run_penstock("status", "--json").json()[-1]["vectors"] == 0)
        self.stop()
        self.assert_sound()
        self.assertEqual(self.run_penstock("status", "--json").json()[-1]["documents"]["done"], 0)

    def test_a_form_says_the_same_as_parameters_do(self):
        self.serve()
        body, kind = form([("lane", None, "bulk"), ("metadata", None, '{"a": "\u00e9"}'),
                           ("file", 'C:\\docs\\h"eron \u00e9.txt', TEXT), ("region", None, "eu-1")])
        document = self.upload(body, headers={"Content-Type": kind}).json()
        self.assertEqual((document["lane"], document["metadata"], document["region"], document["bytes"]),
                         ("bulk", {"a": "\u00e9"}, "eu-1", len(TEXT)))
        self.assertEqual(self.until(document["id"], "done")["outcome"], "done")

    def test_pages_of_the_listing_have_every_document_once(self):
        self.serve("--workers", "0")
        ids = [self.upload(TEXT + str(i).encode()).json()["id"] for i in range(7)]
        seen, cursor = [], ""
        while True:
            page = self.get("/v1/documents?limit=3" + cursor).json()
            seen += [document["id"] for document in page["documents"]]
            self.assertTrue(all(document["state"] == "queued" for document in page["documents"]))
            if page["next"] is None:
                break
            cursor = "&cursor=" + urllib.parse.quote(page["next"])
        self.assertEqual(sorted(seen), sorted(ids))
        for bad in ("limit=0", "limit=501", "limit=x", "cursor=x", "cursor=1.%00"):
            self.get("/v1/documents?" + bad, 400)

    def test_a_repeated_upload_is_the_first_one(self):
        self.serve()
        once = {"Idempotency-Key": "monday"}
        first = self.upload(TEXT, headers=once).json()["id"]
        again = self.upload(TEXT, status=200, headers=once)
        self.assertEqual((again.json()["id"], again.headers["Idempotency-Replayed"]), (first, "true"))
        self.assertEqual(self.upload(TEXT + b"!", status=422, headers=once).problem, "idempotency-conflict")
        self.assertEqual(len(self.get("/v1/documents").json()["documents"]), 1)

    def test_what_failed_is_listed_and_can_be_tried_again(self):
        self.serve()
        identity = self.upload(b"%PDF-1.4 but no more", name="broken.pdf").json()["id"]
        failed = self.until(identity, "failed")
        self.assertEqual(failed["outcome"], "corrupt")
        failures = self.get("/v1/failures").json()["failures"]
        self.assertEqual([(failure["id"], failure["name"]) for failure in failures],
                         [(identity, "broken.pdf")])
        self.assertEqual(self.ask("POST", f"/v1/documents/{identity}/retry").status, 202)
        self.assertEqual(self.until(identity, "failed")["outcome"], "corrupt")
        good = self.upload(TEXT).json()["id"]
        self.until(good, "done")
        self.assertEqual(self.ask("POST", f"/v1/documents/{good}/retry").problem, "not-failed")

    def test_events_tell_how_a_document_gets_on(self):
        self.serve()
        connection = self.connection()
        connection.request("GET", "/v1/events")
        stream = connection.getresponse()
        self.assertEqual(stream.headers["Content-Type"], "text/event-stream")
        self.assertEqual(stream.readline(), b": penstock\n")
        identity = self.upload(TEXT).json()["id"]
        milestones = []
        while "done" not in milestones:
            line = stream.readline()
            if line.startswith(b"data: "):
                event = json.loads(line[6:])
                self.described.check_schema({"$ref": "#/components/schemas/Event"}, event)
                self.assertEqual(event["id"], identity)
                milestones.append(event["milestone"])
        for milestone in ("received", "queued", "started", "extracted", "embedded", "stored"):
            self.assertIn(milestone, milestones)
        # What the extraction has no words for is told in general ones, as in the document.
        locked = self.upload(self.sample("locked-aes-256.pdf")).json()["id"]
        while event["milestone"] != "done" or event["id"] != locked:
            line = stream.readline()
            if line.startswith(b"data: "):
                event = json.loads(line[6:])
        failed = self.until(locked, "failed")
        self.assertTrue(failed["message"])
        self.assertEqual((event["outcome"], event["message"]), ("encrypted", failed["message"]))
        connection.close()
        # Of a document that has come to its end: how it stands.
        connection = self.connection()
        connection.request("GET", f"/v1/documents/{identity}/events")
        stream = connection.getresponse()
        lines = [stream.readline() for _ in range(4)]
        self.assertEqual(lines[2], b"event: state\n")
        self.assertEqual(json.loads(lines[3][6:])["state"], "done")
        connection.close()

    def test_ranges_and_tags_are_those_of_http(self):
        self.serve("--workers", "0")
        path = self.upload(TEXT).json()["links"]["content"]
        whole = self.get(path)
        tag = whole.headers["ETag"]
        self.assertEqual((whole.body, whole.headers["Accept-Ranges"]), (TEXT, "bytes"))
        for said, begin, end in (("bytes=0-9", 0, 10), ("bytes=900-", 900, len(TEXT)),
                                 ("bytes=-5", len(TEXT) - 5, len(TEXT))):
            part = self.get(path, 206, headers={"Range": said})
            self.assertEqual(part.body, TEXT[begin:end])
            self.assertEqual(part.headers["Content-Range"], f"bytes {begin}-{end - 1}/{len(TEXT)}")
        self.assertEqual(self.get(path, 416, headers={"Range": "bytes=5000-"}).problem, "range-not-satisfiable")
        for ignored in ("bytes=9-0", "bytes=0-1,5-6", "lines=1-2", "bytes=x-"):
            self.assertEqual(self.get(path, headers={"Range": ignored}).body, TEXT)
        self.get(path, 304, headers={"If-None-Match": tag})
        self.assertEqual(self.get(path, headers={"Range": "bytes=0-9", "If-Range": '"other"'}).body, TEXT)
        head = self.ask("HEAD", path)
        self.assertEqual((head.status, head.headers["Content-Length"], head.body),
                         (200, str(len(TEXT)), b""))

    def test_a_large_content_comes_back_to_the_byte(self):
        self.serve("--workers", "0")
        content = b"".join(b"line %d of a long text\n" % i for i in range(200_000))
        path = self.upload(content).json()["links"]["content"]
        self.assertEqual(self.get(path).body, content)

    def test_overview_and_metrics_tell_of_the_work(self):
        self.serve()
        self.until(self.upload(TEXT).json()["id"], "done")
        overview = wait_until(lambda: (seen := self.get("/v1/overview").json())["workers"]
                              and seen["documents"]["total"] == 1 and seen)
        self.assertEqual({stage["name"] for stage in overview["stages"]},
                         {"queued", "extract", "embed", "store", "total"})
        self.assertEqual(overview["alerts"], [])
        text = self.get("/metrics").body.decode()
        self.assertIn('penstock_documents_total{lane="interactive",outcome="done"} 1', text)
        self.assertIn('penstock_http_requests_total{', text)
        self.get("/healthz")
        self.get("/readyz")

    def test_told_to_stop_it_ends_what_is_under_way_and_takes_nothing_more(self):
        self.serve()
        host, port = self.url.split("//")[1].split(":")
        connect = lambda: socket.create_connection((host, int(port)), timeout=60)
        head = (f"POST /v1/documents?name=heron.txt HTTP/1.1\r\nHost: {host}\r\nContent-Length: "
                f"{len(TEXT)}\r\n\r\n").encode()
        with connect() as upload, connect() as idle, connect() as stream, connect() as late:
            idle.sendall(f"GET /healthz HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
            self.assertIn(b"200", idle.recv(1 << 16))
            stream.sendall(f"GET /v1/events HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
            self.assertIn(b": penstock", self.read_until(stream, b": penstock"))
            upload.sendall(head + TEXT[:100])
            wait_until(lambda: self.connections() == 5)
            self.process.terminate()
            self.assertEqual(json.loads(self.process.stdout.readline()), {"event": "draining"})
            self.assertEqual(idle.recv(1 << 16), b"")
            self.assertTrue(self.read_until(stream, None).endswith(b"0\r\n\r\n"))
            with self.assertRaises(ConnectionRefusedError):
                connect()
            late.sendall(f"GET /readyz HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
            answer = self.read_until(late, None)
            self.assertIn(b" 503 ", answer)
            self.assertIn(b"problem:stopping", answer)
            upload.sendall(TEXT[100:])
            answer = self.read_until(upload, None)
            self.assertIn(b" 202 ", answer)
            self.assertIn(b"\r\nConnection: close\r\n", answer)
        out, err = self.process.communicate(timeout=60)
        self.assertEqual(self.process.returncode, 0, out + err)
        identity = json.loads(answer.partition(b"\r\n\r\n")[2])["id"]
        self.serve()
        self.assertEqual(self.until(identity, "done")["outcome"], "done")

    def test_an_upload_that_does_not_end_holds_the_stop_up_for_so_long_and_no_longer(self):
        self.serve("--drain-timeout", "1")
        with self.half_an_upload() as upload:
            self.process.terminate()
            out, err = self.process.communicate(timeout=60)
            self.assertEqual(self.process.returncode, 0, out + err)
            self.assertEqual(self.read_until(upload, None), b"")

    def test_told_twice_it_stops_at_once(self):
        self.serve("--drain-timeout", "3600")
        with self.half_an_upload():
            self.process.terminate()
            self.assertEqual(json.loads(self.process.stdout.readline()), {"event": "draining"})
            self.process.terminate()
            self.assertEqual(self.process.wait(timeout=60), 130)

    def half_an_upload(self):
        """A connection with it, once the server has seen it."""
        host, port = self.url.split("//")[1].split(":")
        upload = socket.create_connection((host, int(port)), timeout=60)
        upload.sendall(f"POST /v1/documents HTTP/1.1\r\nHost: {host}\r\nContent-Length: {len(TEXT)}\r\n\r\n"
                       .encode() + TEXT[:100])
        wait_until(lambda: self.connections() == 2)
        return upload

    def read_until(self, connection, what):
        """What comes until this came; None: until the end."""
        text = b""
        while what is None or what not in text:
            part = connection.recv(1 << 16)
            if not part:
                break
            text += part
        return text

    def connections(self):
        """How many clients the server has, this one among them."""
        line = re.search(r"^penstock_http_connections (\d+)", self.get("/metrics").body.decode(), re.M)
        return int(line[1])

    def test_a_full_lane_refuses_and_the_other_does_not(self):
        self.serve("--workers", "0", "--interactive-depth", "5")
        for i in range(5):
            self.upload(TEXT + b"%d" % i)
        refused = self.upload(TEXT + b"x", status=429)
        self.assertEqual(refused.problem, "queue-is-full")
        self.assertGreaterEqual(int(refused.headers["Retry-After"]), 1)
        self.upload(TEXT + b"x", lane="bulk")
        self.assertIn('penstock_rejected_total{reason="depth"} 1', self.get("/metrics").body.decode())


class Crash(Serving):
    def test_killed_in_the_middle_it_loses_nothing_that_it_accepted(self):
        accepted = []
        lock = threading.Lock()
        numbers = iter(range(400))
        self.serve()

        def upload_until_refused():
            while True:
                with lock:
                    number = next(numbers, None)
                if number is None:
                    return
                try:
                    identity = self.upload(TEXT + b"%d" % number).json()["id"]
                except (OSError, AssertionError, json.JSONDecodeError, ValueError):
                    return
                except Exception:  # what http.client makes of a connection that ends
                    return
                with lock:
                    accepted.append(identity)

        threads = [threading.Thread(target=upload_until_refused) for _ in range(20)]
        for thread in threads:
            thread.start()
        wait_until(lambda: len(accepted) >= 100)
        self.process.send_signal(signal.SIGKILL)
        for thread in threads:
            thread.join()
        self.process.wait()
        self.assertLess(len(accepted), 400)
        self.serve()
        for identity in accepted:
            self.assertEqual(self.until(identity, "done", "failed")["outcome"], "done")
        listed = {}
        cursor = ""
        while cursor is not None:
            page = self.get("/v1/documents?limit=500" + cursor).json()
            listed.update({document["id"]: document for document in page["documents"]})
            cursor = page["next"] and "&cursor=" + urllib.parse.quote(page["next"])
        # Of those whose answer was lost some may have been accepted; they came to their end, too.
        for identity in listed:
            self.until(identity, "done")
        self.assertLessEqual(set(accepted), set(listed))
        self.stop()
        self.assert_sound()
        status = self.run_penstock("status", "--json").json()[-1]
        self.assertEqual(status["documents"]["done"], len(listed))


class Guard(Serving):
    def test_what_an_attacker_sends_has_the_answer_it_should(self):
        log = self.serve("--document-bytes", "1M")
        del log
        form_type = "multipart/form-data; boundary=xyz"
        big = b"x" * (2 << 20)
        no_file, no_file_type = form([("name", None, "x")])
        two, two_type = form([("file", "a", TEXT), ("file", "b", TEXT)])
        long, long_type = form([("metadata", None, "x" * 70_000), ("file", "a", TEXT)])
        lane, lane_type = form([("lane", None, "interactive"), ("file", "a", TEXT)])
        lanes, lanes_type = form([("lane", None, "bulk"), ("lane", None, "interactive"), ("file", "a", TEXT)])
        odd, odd_type = form([("evil", None, "x"), ("file", "a", TEXT)])
        for method, path, body, headers, status in (
                ("GET", "/assets/../../../../etc/passwd", None, {}, 404),
                ("GET", "/assets/..%2f..%2fetc%2fpasswd", None, {}, 404),
                ("GET", "//etc/passwd", None, {}, 404),
                ("GET", "/v1/documents/%zz", None, {}, 400),
                ("GET", "/v1/documents/..%2fother%2fdoc", None, {}, 404),
                ("PUT", "/v1/documents/%00", TEXT, {}, 400),
                ("PUT", "/v1/documents/a%0d%0aSet-Cookie:x=1", TEXT, {}, 400),
                ("PUT", "/v1/documents/%ff", TEXT, {}, 400),
                ("PUT", "/v1/documents/" + "x" * 513, TEXT, {}, 400),
                ("PATCH", "/v1/documents", TEXT, {}, 405),
                ("TRACE", "/v1/documents", None, {}, 405),
                ("BREW", "/v1/documents", None, {}, 405),
                ("GET", "/v1/nothing", None, {}, 404),
                ("GET", "/v1/search", None, {}, 400),
                ("GET", "/v1/search?q=%ff", None, {}, 400),
                ("GET", "/v1/search?q=%zz", None, {}, 400),
                ("GET", "/v1/search?q=heron&q=lighthouse", None, {}, 400),
                ("POST", "/v1/documents", b"", {}, 400),
                ("POST", "/v1/documents", big, {}, 413),
                ("POST", "/v1/documents", b"MZ\0\0\0", {}, 415),
                ("POST", "/v1/documents", TEXT, {"Content-Type": "application/pdf"}, 415),
                ("POST", "/v1/documents?lane=express", TEXT, {}, 400),
                ("POST", "/v1/documents?metadata=[1]", TEXT, {}, 400),
                ("POST", "/v1/documents?metadata=%7B", TEXT, {}, 400),
                ("POST", "/v1/documents?region=a/b", TEXT, {}, 400),
                ("POST", "/v1/documents?name=a%00b", TEXT, {}, 400),
                ("POST", '/v1/documents?metadata={"a":"%5Cu0000"}', TEXT, {}, 400),
                ("POST", "/v1/documents?metadata=%7B%22a%22:" + "[" * 40 + "]" * 40 + "%7D", TEXT, {}, 400),
                ("POST", "/v1/documents", None, {"Content-Length": "99999999999"}, 413),
                ("POST", "/v1/documents?name=%ff", TEXT, {}, 400),
                ("POST", "/v1/documents?name=%zz", TEXT, {}, 400),
                ("POST", "/v1/documents?lane=bulk&lane=interactive", TEXT, {}, 400),
                ("POST", "/v1/documents?lane=&lane=interactive", TEXT, {}, 400),
                ("POST", "/v1/documents", lanes, {"Content-Type": lanes_type}, 400),
                ("POST", "/v1/documents?lane=bulk", lane, {"Content-Type": lane_type}, 400),
                ("POST", "/v1/documents", TEXT, {"Idempotency-Key": "x" * 256}, 400),
                ("POST", "/v1/documents", TEXT, {"Content-Type": "multipart/form-data"}, 400),
                ("POST", "/v1/documents", TEXT, {"Content-Type": form_type}, 400),
                ("POST", "/v1/documents", no_file, {"Content-Type": no_file_type}, 400),
                ("POST", "/v1/documents", two, {"Content-Type": two_type}, 400),
                ("POST", "/v1/documents", long, {"Content-Type": long_type}, 400),
                ("POST", "/v1/documents", odd, {"Content-Type": odd_type}, 400),
                ("POST", "/v1/documents", two[:-20], {"Content-Type": two_type}, 400),
                ("GET", "/v1/documents", None, {"X-Long": "x" * 40_000}, 431),
                ("GET", "/v1/documents", None, {"Host": "evil.example"}, 403),
                ("GET", "/", None, {"Host": "evil.example"}, 403),
                ("POST", "/v1/documents", TEXT, {"Origin": "https://evil.example"}, 403),
        ):
            with self.subTest(f"{method} {path[:60]} {headers}"):
                answer = self.ask(method, path, body, headers)
                self.assertEqual(answer.status, status, answer.body)
                self.assertNotIn("Set-Cookie", answer.headers)
        self.assertEqual(self.ask("PATCH", "/v1/documents").headers["Allow"], "POST, GET")
        self.assertEqual(self.get("/v1/documents").json()["documents"], [])
        self.assertEqual(self.blobs_there(), 0)

    def test_a_file_name_cannot_add_a_header_nor_leave_its_place(self):
        self.serve("--workers", "0")
        name = '../../x"\r\nSet-Cookie: a=b\r\n<script>.txt'
        document = self.upload(TEXT, name=name).json()
        self.assertEqual(document["name"], name)
        content = self.get(document["links"]["content"])
        self.assertNotIn("Set-Cookie", content.headers)
        self.assertEqual(content.headers["X-Content-Type-Options"], "nosniff")
        self.assertEqual(content.headers["Content-Security-Policy"], "sandbox")
        self.assertTrue(content.headers["Content-Type"].startswith("text/plain"))
        html = self.upload(b"<html><script>alert(1)</script>", headers={"Content-Type": "text/html"}).json()
        self.assertTrue(self.get(html["links"]["content"]).headers["Content-Type"].startswith("text/plain"))

    def test_requests_that_two_servers_would_read_differently_are_refused(self):
        self.serve("--workers", "0")
        host, port = self.url.split("://")[1].split(":")
        for head in ("Content-Length: 5\r\nTransfer-Encoding: chunked", "Content-Length: 5\r\nContent-Length: 6",
                     "Transfer-Encoding: chunked\r\nContent-Length: 5", "Content-Length: -1",
                     "Content-Length: 5 5", "Transfer-Encoding: xchunked", "Host: evil.example", None):
            with self.subTest(head):
                head = f"Host: localhost\r\n{head}" if head else "Content-Length: 5"
                with socket.create_connection((host, int(port)), timeout=60) as client:
                    client.sendall(f"POST /v1/documents HTTP/1.1\r\n{head}\r\n\r\n"
                                   "0\r\n\r\nGET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
                    heard = b""
                    while part := client.recv(65536):
                        heard += part
                self.assertTrue(heard.startswith(b"HTTP/1.1 400"), heard)
                self.assertEqual(heard.count(b"HTTP/1.1"), 1)

    def test_tenants_do_not_see_each_other(self):
        one, two = self.make_key("one"), self.make_key("two")
        monitoring = self.make_key("monitoring", "--scope", "metrics")
        self.assertEqual(stat.S_IMODE(os.stat(self.keys_file).st_mode), 0o600)
        self.serve("--api-keys", self.keys_file)
        self.assertEqual(self.ask("GET", "/v1/documents").problem, "unauthenticated")
        for wrong in ("x", one["key"][:-1] + ("0" if one["key"][-1] != "0" else "1"), "psk__", "psk_"):
            self.assertEqual(self.ask("GET", "/v1/documents", key=wrong).status, 401)
        identity = self.upload(TEXT, key=one["key"]).json()["id"]
        failed = self.upload(b"%PDF-1.4 but no more", key=one["key"]).json()["id"]
        self.until(identity, "done", key=one["key"])
        self.until(failed, "failed", key=one["key"])
        for method, path in (("GET", ""), ("DELETE", ""), ("POST", "/retry"), ("GET", "/content"),
                             ("POST", "/links"), ("GET", "/events")):
            with self.subTest(method + path):
                answer = self.ask(method, f"/v1/documents/{identity}{path}", key=two["key"])
                self.assertEqual(answer.problem, "no-such-document")
        self.assertEqual(self.get("/v1/documents", key=two["key"]).json()["documents"], [])
        self.assertEqual(self.get("/v1/failures", key=two["key"]).json()["failures"], [])
        self.assertEqual(self.found("heron", key=two["key"]), [])
        self.assertEqual(self.found("heron", key=one["key"]), [identity])
        # The same id is another document.
        self.upload(TEXT + b"two", key=two["key"], path="/v1/documents/" + identity, method="PUT")
        self.assertEqual(self.get(f"/v1/documents/{identity}/content", key=one["key"]).body, TEXT)
        for path in ("/v1/overview", "/metrics"):
            self.assertEqual(self.ask("GET", path, key=one["key"]).problem, "forbidden")
        self.get("/metrics", key=monitoring["key"])
        for path in ("/v1/overview", "/v1/documents"):
            self.assertEqual(self.ask("GET", path, key=monitoring["key"]).problem, "forbidden")
        heard = self.stop()
        for key in (one, two):
            self.assertNotIn(key["key"].rsplit("_", 1)[1], heard)
            with open(self.keys_file) as file:
                self.assertNotIn(key["key"].rsplit("_", 1)[1], file.read())

    def test_a_key_has_its_scopes_and_limits_and_its_end(self):
        reader = self.make_key("t", "--scope", "read")
        small = self.make_key("t", "--document-bytes", "100")
        slow = self.make_key("t", "--requests-per-minute", "2")
        self.serve("--api-keys", self.keys_file, "--workers", "0")
        self.assertEqual(self.upload(TEXT, status=403, key=reader["key"]).problem, "forbidden")
        self.assertEqual(self.upload(TEXT, status=413, key=small["key"]).problem, "too-large")
        self.get("/v1/documents", key=slow["key"])
        self.get("/v1/documents", key=slow["key"])
        refused = self.get("/v1/documents", 429, key=slow["key"])
        self.assertEqual(refused.problem, "too-many-requests")
        self.assertGreaterEqual(int(refused.headers["Retry-After"]), 1)
        self.run_penstock("keys", "remove", "--api-keys", self.keys_file, reader["id"], store=False)
        wait_until(lambda: self.ask("GET", "/v1/documents", key=reader["key"]).status == 401)
        listed = self.run_penstock("keys", "list", "--api-keys", self.keys_file, "--json", store=False).json()
        self.assertEqual({key["id"] for key in listed}, {small["id"], slow["id"]})

    def test_without_keys_it_listens_to_this_machine_only(self):
        ran = self.run_penstock("serve", "--listen", "0.0.0.0:0", expect=1)
        self.assertIn("--api-keys", ran.err)

    def test_a_link_needs_no_key_and_ends(self):
        key = self.make_key("t")
        self.serve("--api-keys", self.keys_file, "--workers", "0",
                   env={**os.environ, "PENSTOCK_LINK_SECRET": "correct horse battery"})
        identity = self.upload(TEXT, key=key["key"]).json()["id"]
        link = self.ask("POST", f"/v1/documents/{identity}/links", b'{"expires_in_s": 600}',
                        key=key["key"]).json()["url"]
        answer = self.get(link)
        self.assertEqual(answer.body, TEXT)
        self.assertRegex(answer.headers["Cache-Control"], r"public, max-age=(600|59\d), immutable")
        split = urllib.parse.urlsplit(link)
        query = dict(urllib.parse.parse_qsl(split.query))
        for name, value in (("expires", str(int(query["expires"]) + 1)), ("expires", "1"), ("tenant", "u"),
                            ("version", "0" * 64), ("signature", "0" * 64), ("signature", "")):
            with self.subTest(name):
                forged = split.path + "?" + urllib.parse.urlencode({**query, name: value})
                self.assertIn(self.ask("GET", forged).status, (401, 403))
        brief = self.ask("POST", f"/v1/documents/{identity}/links", b'{"expires_in_s": 1}',
                         key=key["key"]).json()["url"]
        wait_until(lambda: self.ask("GET", brief).status == 403)
        # It is of this content, and no other.
        self.upload(TEXT + b"new", key=key["key"], path="/v1/documents/" + identity, method="PUT")
        self.assertEqual(self.get(link, 403).problem, "link-refused")

    def test_with_a_certificate_it_speaks_tls_and_nothing_else(self):
        certificate, key = (os.path.join(self.folder, name) for name in ("c.pem", "k.pem"))
        subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", key, "-out",
                        certificate, "-days", "2", "-subj", "/CN=localhost"], check=True, capture_output=True)
        self.serve("--certificate", certificate, "--certificate-key", key, "--workers", "0")
        self.assertTrue(self.url.startswith("https://"))
        identity = self.upload(TEXT * 100).json()["id"]
        self.assertEqual(self.get(f"/v1/documents/{identity}/content").body, TEXT * 100)
        self.url = self.url.replace("https:", "http:")
        with self.assertRaises(Exception):
            self.get("/healthz")


class Cache(Serving):
    def test_nginx_answers_the_second_reader_and_no_forged_link(self):
        self.serve("--workers", "0")
        link = self.ask("POST", self.upload(TEXT).json()["links"]["self"] + "/links").json()["url"]
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        configuration = os.path.join(self.folder, "nginx.conf")
        with open(configuration, "w") as file:
            file.write(f"""
                daemon off; pid {self.folder}/nginx.pid; error_log stderr; user root;
                events {{ worker_connections 64; }}
                http {{
                  access_log off;
                  client_body_temp_path {self.folder}/body; proxy_temp_path {self.folder}/proxy;
                  fastcgi_temp_path {self.folder}/f; uwsgi_temp_path {self.folder}/u; scgi_temp_path {self.folder}/s;
                  proxy_cache_path {self.folder}/cache keys_zone=penstock:1m;
                  server {{
                    listen 127.0.0.1:{port};
                    location ~ ^/v1/documents/[^/]+/content$ {{
                      proxy_pass {self.url};
                      proxy_cache penstock;
                      proxy_cache_key $request_uri;
                      add_header X-Cache $upstream_cache_status;
                    }}
                  }}
                }}""")
        nginx = subprocess.Popen(["nginx", "-p", self.folder, "-c", configuration], stderr=subprocess.DEVNULL)
        self.addCleanup(nginx.wait)
        self.addCleanup(nginx.terminate)
        self.url = f"http://127.0.0.1:{port}"

        def first():
            try:
                return self.get(link)
            except OSError:
                return None
        answer = wait_until(first)
        self.assertEqual((answer.body, answer.headers["X-Cache"]), (TEXT, "MISS"))
        again = self.get(link)
        self.assertEqual((again.body, again.headers["X-Cache"]), (TEXT, "HIT"))
        part = self.get(link, 206, headers={"Range": "bytes=4-8"})
        self.assertEqual((part.body, part.headers["X-Cache"]), (TEXT[4:9], "HIT"))
        self.get(link[:-4] + "0000", 403)
        self.get(link.replace("expires=", "expires=1"), 403)


class Front(Serving):
    """The front of a fleet: Redis, Postgres behind PgBouncer, pgvector and an object store."""

    def test_what_a_front_accepts_workers_do(self):
        queue = ("--queue", server("PENSTOCK_TEST_REDIS"), "--queue-name", of_its_own("queue"))
        self.at = ("--ledger", behind_pgbouncer(make_database(self, "PENSTOCK_TEST_POSTGRES")),
                   "--vectors", "pgvector:" + make_database(self, "PENSTOCK_TEST_PGVECTOR"))
        objects = ("--s3-endpoint", self.url_of_emulated("s3", "--bucket", "uploads"))
        environment = {**os.environ, "AWS_ACCESS_KEY_ID": "penstock", "AWS_SECRET_ACCESS_KEY": "rehearsal"}
        arguments = (*queue, "--blobs", "s3://uploads/service", *objects)
        self.serve(*arguments, env=environment)
        ids = [self.upload(TEXT + b"%d" % i).json()["id"] for i in range(10)]
        self.assertEqual(self.document(ids[0])["state"], "queued")
        self.assertIn("no-workers",
                      [alert["name"] for alert in wait_until(lambda: self.get("/v1/overview").json()["alerts"])])
        # Another front takes over, and a worker begins.
        self.stop()
        self.serve(*arguments, env=environment)
        worker = self.start("worker", *queue, *objects, "--json", env=environment)
        for identity in ids:
            self.assertEqual(self.until(identity, "done", "failed")["outcome"], "done")
        self.assertEqual(self.get(f"/v1/documents/{ids[3]}/content").body, TEXT + b"3")
        self.assertIn(self.found("heron")[0], ids)
        self.assertEqual(self.ask("DELETE", "/v1/documents/" + ids[0]).status, 204)
        wait_until(lambda: ids[0] not in self.found("heron")
                   and self.run_penstock("status", "--json").json()[-1]["documents"]["done"] == 9)
        worker.terminate()
        worker.communicate(timeout=60)
        self.stop()
        self.assert_sound()


if __name__ == "__main__":
    unittest.main(argv=["service", *sys.argv[3:]])
