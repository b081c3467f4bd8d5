#!/usr/bin/env python3
"""What a service takes at once, on this machine, with its own worker at work beside it.

usage: bench_serve.py PENSTOCK [--uploads N] [--slow N]

Uploads of 1 MB, all at the same moment: how long until each was answered (from before its connection was
made), how late work on it began, whether all came to their end. Then as many clients that send 1 KB a
second, and beside them one that does not.
"""
import argparse
import asyncio
import json
import os
import random
import re
import resource
import subprocess
import tempfile
import time
import urllib.request
from concurrent.futures import ThreadPoolExecutor

IMAGE = 590  # pixels a side: 1.04 MB
WRITERS = 32  # as the service has


def pdf(number, noise):
    """A page with a line of text, and a picture that makes it 1 MB."""
    text = f"Report {number}: the gate was opened at dawn and the turbine ran until dusk.".encode()
    content = b"BT /F1 12 Tf 72 720 Td (" + text + b") Tj ET q 200 0 0 200 72 400 cm /I Do Q"
    offset = number * 997 % len(noise)
    image = (noise[offset:] + noise[:offset])
    objects = [b"<< /Type /Catalog /Pages 2 0 R >>", b"<< /Type /Pages /Kids [4 0 R] /Count 1 >>",
               b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
               b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Contents 5 0 R /Resources << /Font "
               b"<< /F1 3 0 R >> /XObject << /I 6 0 R >> >> >>",
               b"<< /Length %d >>\nstream\n%s\nendstream" % (len(content), content),
               b"<< /Type /XObject /Subtype /Image /Width %d /Height %d /BitsPerComponent 8 /ColorSpace "
               b"/DeviceRGB /Length %d >>\nstream\n%s\nendstream" % (IMAGE, IMAGE, len(image), image)]
    file, places = [b"%PDF-1.4\n"], []
    size = len(file[0])
    for i, body in enumerate(objects):
        places.append(size)
        file.append(b"%d 0 obj\n%s\nendobj\n" % (i + 1, body))
        size += len(file[-1])
    file.append(b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1))
    file += [b"%010d 00000 n \n" % place for place in places]
    file.append(b"trailer\n<< /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n" % (len(objects) + 1, size))
    return b"".join(file)


def time_to_write(bodies):
    """Seconds that no service can do without."""
    with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor(WRITERS) as threads:
        def write(number):
            with open(os.path.join(folder, str(number)), "wb", buffering=0) as file:
                file.write(bodies[number])
                os.fsync(file.fileno())
        begun = time.monotonic()
        list(threads.map(write, range(len(bodies))))
        return time.monotonic() - begun


def memory_of(pid):
    with open(f"/proc/{pid}/status") as file:
        return int(re.search(r"VmHWM:\s+(\d+)", file.read())[1]) / 1024


def quantile(values, fraction):
    return sorted(values)[min(int(fraction * len(values)), len(values) - 1)]


async def upload(host, port, body, bytes_per_second=None):
    """Seconds until the answer, and its status and document."""
    begun = time.monotonic()
    reader, writer = await asyncio.open_connection(host, port)
    head = (f"POST /v1/documents?name=report.pdf HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/pdf\r\n"
            f"Content-Length: {len(body)}\r\nConnection: close\r\n\r\n")
    writer.write(head.encode())
    if bytes_per_second is None:
        writer.write(body)
        await writer.drain()
    else:
        for at in range(0, len(body), bytes_per_second):
            writer.write(body[at:at + bytes_per_second])
            await writer.drain()
            await asyncio.sleep(1)
    answer = await reader.read()
    writer.close()
    head, _, text = answer.partition(b"\r\n\r\n")
    return time.monotonic() - begun, int(head.split()[1]), json.loads(text)


def ask(url):
    with urllib.request.urlopen(url, timeout=60) as response:
        return json.load(response)


def ended(url, ids):
    """The documents once all have come to their end."""
    while True:
        documents, cursor = {}, ""
        while cursor is not None:
            page = ask(f"{url}/v1/documents?limit=500{cursor}")
            documents.update({document["id"]: document for document in page["documents"]})
            cursor = page["next"] and "&cursor=" + page["next"]
        if all(documents[identity]["state"] in ("done", "failed") for identity in ids):
            return [documents[identity] for identity in ids]
        time.sleep(0.2)


def seconds_of(text):
    clock = text.split("T")[1][:-1].split(":")
    return int(clock[0]) * 3600 + int(clock[1]) * 60 + float(clock[2])


async def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("penstock")
    parser.add_argument("--uploads", type=int, default=1000)
    parser.add_argument("--slow", type=int, default=1000)
    options = parser.parse_args()
    resource.setrlimit(resource.RLIMIT_NOFILE, (resource.getrlimit(resource.RLIMIT_NOFILE)[1],) * 2)
    noise = random.Random(1).randbytes(IMAGE * IMAGE * 3)
    bodies = [pdf(number, noise) for number in range(options.uploads)]
    with tempfile.TemporaryDirectory() as folder:
        server = subprocess.Popen([options.penstock, "serve", "--listen", "127.0.0.1:0", "--json", "--store",
                                   os.path.join(folder, "s.db")], stdout=subprocess.PIPE, text=True)
        try:
            url = json.loads(server.stdout.readline())["url"].rstrip("/")
            host, port = url.split("//")[1].split(":")
            await measure(url, host, int(port), bodies, server.pid, options.slow)
        finally:
            server.terminate()
            server.wait()


async def measure(url, host, port, bodies, pid, slow):
    print(f"{len(bodies)} uploads of {len(bodies[0]) / 1e6:.2f} MB at once")
    before = memory_of(pid)
    begun = time.monotonic()
    answers = await asyncio.gather(*(upload(host, port, body) for body in bodies))
    took = time.monotonic() - begun
    times = [answer[0] for answer in answers]
    accepted = [answer[2]["id"] for answer in answers if answer[1] == 202]
    print(f"  accepted {len(accepted)}, in {took:.2f} s; answered in p50 {quantile(times, 0.5):.2f} s, "
          f"p99 {quantile(times, 0.99):.2f} s, at most {max(times):.2f} s")
    documents = ended(url, accepted)
    print(f"  all at their end after {time.monotonic() - begun:.1f} s")
    waits = [seconds_of(document["timeline"]["started"]) - seconds_of(document["timeline"]["received"])
             for document in documents if document["timeline"]["started"]]
    done = sum(document["state"] == "done" for document in documents)
    print(f"  done {done}, failed {len(documents) - done}; started after p50 {quantile(waits, 0.5):.2f} s, p99 "
          f"{quantile(waits, 0.99):.2f} s, at most {max(waits):.2f} s")
    print(f"  memory of the server at most {memory_of(pid):.0f} MB, {before:.0f} MB before")
    print(f"  the same bytes written to files by {WRITERS} threads and made durable: {time_to_write(bodies):.2f} s")
    if not slow:
        return
    print(f"{slow} clients that send 1 KB a second, and one that does not")
    trickles = [asyncio.create_task(upload(host, port, body, 1024)) for body in bodies[:slow]]
    await asyncio.sleep(3)
    fast = [await upload(host, port, bodies[0]) for _ in range(20)]
    times = [answer[0] for answer in fast]
    print(f"  the fast one's 1 MB was answered in p50 {quantile(times, 0.5):.3f} s, at most {max(times):.3f} s")
    for trickle in trickles:
        trickle.cancel()
    await asyncio.gather(*trickles, return_exceptions=True)
    print(f"  memory of the server at most {memory_of(pid):.0f} MB")


if __name__ == "__main__":
    asyncio.run(main())
