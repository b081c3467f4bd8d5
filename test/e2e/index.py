"""What an index of Pinecone holds, asked for and changed behind penstock's back."""
import json
import urllib.parse
import urllib.request

API_KEY = "pc-rehearsed"


class Index:
    """Of `penstock emulate pinecone`."""

    def __init__(self, url):
        self.at = url  # for --vectors
        self.origin = url.replace("pinecone://", "http://")

    def ask(self, path, body=None):
        request = urllib.request.Request(self.origin + path, json.dumps(body).encode() if body else None,
                                         {"Api-Key": API_KEY, "Content-Type": "application/json"})
        with urllib.request.urlopen(request, timeout=60) as response:
            return json.load(response)

    def ids(self):
        """Of records, but not of the one that names the model."""
        ids, token = [], ""
        while token is not None:
            page = self.ask(f"/vectors/list?namespace=__default__&limit=100&paginationToken={token}")
            ids += [vector["id"] for vector in page["vectors"]]
            token = page.get("pagination", {}).get("next")
        return sorted(id for id in ids if id.count("#") == 2)

    def records(self):
        ids = self.ids()
        found = {}
        for begin in range(0, len(ids), 100):
            query = urllib.parse.urlencode([("ids", id) for id in ids[begin:begin + 100]])
            found.update(self.ask(f"/vectors/fetch?namespace=__default__&{query}")["vectors"])
        return found

    def add(self, *records):
        self.ask("/vectors/upsert", {"vectors": records, "namespace": "__default__"})

    def remove(self, *ids):
        self.ask("/vectors/delete", {"ids": ids, "namespace": "__default__"})
