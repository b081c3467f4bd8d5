"""Holds what the service answers against its own description, /openapi.json."""
import re

import jsonschema

# Of the server, before it is known what is asked.
REFUSED_UNREAD = (400, 408, 413, 431)
# Of paths and methods that are none.
REFUSED_UNKNOWN = {404: "urn:penstock:problem:no-such-route", 405: "urn:penstock:problem:method-not-allowed",
                   403: "urn:penstock:problem:foreign-host"}


class Described:
    def __init__(self, document):
        self.document = document
        self.formats = jsonschema.FormatChecker(formats=())
        self.formats.checks("date-time")(lambda value: not isinstance(value, str) or is_time(value))

    def check(self, method, path, answer):
        """Raises unless the description has this answer, to the last field."""
        path = path.partition("?")[0]
        if not answer.body and answer.status in REFUSED_UNREAD and answer.headers["Connection"] == "close":
            return
        route, operation = self.operation(method, path)
        is_page = path == "/" or path.startswith("/assets/")
        if operation is None:
            return self.check_unknown(answer) if answer.status >= 400 or not is_page else None
        described = operation["responses"].get(str(answer.status))
        if described is None:
            raise AssertionError(f"{method} {route} is not said to answer {answer.status}")
        content = self.resolved(described).get("content", {})
        if method == "HEAD" or not (content or answer.body):
            return
        media_type = answer.headers["Content-Type"].partition(";")[0]
        if "*/*" in content:
            return
        if media_type not in content:
            raise AssertionError(f"{method} {route} is not said to answer {answer.status} with {media_type}")
        if media_type.endswith("json"):
            self.check_schema(content[media_type]["schema"], answer.json())
        if media_type == "application/problem+json" and answer.json()["status"] != answer.status:
            raise AssertionError(f"a problem of {answer.json()['status']} came with {answer.status}")

    def check_unknown(self, answer):
        problem = answer.json()
        self.check_schema({"$ref": "#/components/schemas/Problem"}, problem)
        if (answer.status, problem["type"]) not in REFUSED_UNKNOWN.items():
            raise AssertionError(f"{problem} came from a route that is not described")

    def check_schema(self, schema, value):
        # References begin at the root, where the document's components are put.
        whole = {**schema, "components": self.document["components"]}
        jsonschema.Draft202012Validator(whole, format_checker=self.formats).validate(value)

    def operation(self, method, path):
        """The route's template and what is said of the method; None: there is none."""
        wanted = "get" if method == "HEAD" else method.lower()
        for template, operations in self.document["paths"].items():
            pattern = "[^/]+".join(map(re.escape, re.split(r"\{\w+\}", template)))
            if re.fullmatch(pattern, path) and wanted in operations:
                return template, operations[wanted]
        return None, None

    def resolved(self, value):
        if "$ref" not in value:
            return value
        found = self.document
        for name in value["$ref"].removeprefix("#/").split("/"):
            found = found[name]
        return found


def is_time(text):
    return re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", text) is not None
