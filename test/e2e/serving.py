"""A running `penstock serve`, and how tests talk to it."""
import http.client
import json
import os
import ssl
import urllib.parse

from cases import Case, wait_until
from described import Described


class Answer:
    def __init__(self, response):
        self.status = response.status
        self.headers = response.headers
        self.body = response.read()

    def json(self):
        return json.loads(self.body)

    @property
    def problem(self):
        """The name of the problem's type."""
        return self.json()["type"].rsplit(":", 1)[1]


class Serving(Case):
    def setUp(self):
        super().setUp()
        self.key = None
        self.blobs = self.store + ".blobs"

    def serve(self, *arguments, **options):
        self.process = self.start("serve", "--listen", "127.0.0.1:0", "--json", *arguments, **options)
        self.url = self.process.stdout
        line = self.process.stdout.readline()
        self.assertTrue(line, self.process.stderr.read() if not line else "")
        self.url = json.loads(line)["url"].rstrip("/")
        connection = self.connection()
        connection.request("GET", "/openapi.json")
        self.described = Described(Answer(connection.getresponse()).json())
        connection.close()
        return self.process

    def stop(self):
        """Ends it as a supervisor does; returns what it said on its way."""
        self.process.terminate()
        out, err = self.process.communicate(timeout=60)
        self.assertEqual(self.process.returncode, 0, out + err)
        return out + err

    def connection(self):
        address = self.url.split("://")[1]
        if self.url.startswith("https:"):
            context = ssl.create_default_context()
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
            return http.client.HTTPSConnection(address, timeout=60, context=context)
        return http.client.HTTPConnection(address, timeout=60)

    def ask(self, method, path, body=None, headers=None, key=None):
        """One request, whose path goes out as it is, and whose answer is as the service says."""
        headers = dict(headers or {})
        key = key or self.key
        if key:
            headers.setdefault("Authorization", "Bearer " + key)
        connection = self.connection()
        try:
            connection.putrequest(method, path, skip_host="Host" in headers, skip_accept_encoding=True)
            if body is not None and "Content-Length" not in headers and "Transfer-Encoding" not in headers:
                headers["Content-Length"] = str(len(body))
            for name, value in headers.items():
                connection.putheader(name, value)
            connection.endheaders()
            if body is not None:
                try:
                    connection.send(body)
                except (BrokenPipeError, ConnectionResetError):
                    pass  # it was answered before its end
            answer = Answer(connection.getresponse())
        finally:
            connection.close()
        self.described.check(method, path, answer)
        return answer

    def get(self, path, status=200, **options):
        answer = self.ask("GET", path, **options)
        self.assertEqual(answer.status, status, answer.body)
        return answer

    def sample(self, name):
        with open(os.path.join(self.samples, name), "rb") as file:
            return file.read()

    def upload(self, body, status=202, headers=None, key=None, path="/v1/documents", method="POST", **fields):
        query = "?" + urllib.parse.urlencode(fields) if fields else ""
        answer = self.ask(method, path + query, body, headers, key)
        self.assertEqual(answer.status, status, answer.body)
        return answer

    def upload_sample(self, name, **options):
        return self.upload(self.sample(name), name=name, **options).json()["id"]

    def document(self, identity, **options):
        return self.get("/v1/documents/" + urllib.parse.quote(identity, safe=""), **options).json()

    def until(self, identity, *states, **options):
        """The document, once it has one of these states."""
        def look():
            document = self.document(identity, **options)
            return document if document["state"] in states else None
        return wait_until(look)

    def found(self, query, **options):
        """The ids of what a search finds."""
        answer = self.get("/v1/search?" + urllib.parse.urlencode({"q": query}), **options).json()
        return [hit["id"] for hit in answer["hits"]]

    def make_key(self, tenant, *arguments):
        ran = self.run_penstock("keys", "add", "--api-keys", self.keys_file, "--tenant", tenant, "--json",
                                *arguments, store=False)
        return ran.json()[0]

    @property
    def keys_file(self):
        return os.path.join(self.folder, "keys")

    def blobs_there(self):
        return sum(len(files) for _, _, files in os.walk(self.blobs))


def form(parts, boundary="xyz"):
    """The body of a form and its Content-Type; a part is (name, file name or None, content)."""
    body = b""
    for name, file, content in parts:
        extra = f'; filename="{file}"' if file is not None else ""
        body += f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"{extra}\r\n\r\n'.encode()
        body += (content if isinstance(content, bytes) else content.encode()) + b"\r\n"
    return body + f"--{boundary}--\r\n".encode(), f"multipart/form-data; boundary={boundary}"
