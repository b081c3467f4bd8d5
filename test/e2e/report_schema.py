#!/usr/bin/env python3
"""Judges the goldens of a report as JSON, which the writer's test holds against the writer, by the
schema that is published: every key is in it, and every key of it is there.

report_schema.py SCHEMA GOLDENS-FOLDER
"""
import copy
import glob
import json
import os
import sys
import unittest

try:
    import jsonschema
except ImportError:
    jsonschema = None


# By the title of the schema.
BROKEN = {
    "Penstock's capacity report": (
        lambda r: r.pop("verdict"), lambda r: r.update(other=1),
        lambda r: r["targets"][0].update(verdict="perhaps"),
        lambda r: r["conservation"].pop("lost"), lambda r: r.update(schema=2)),
    "Penstock's gate report": (
        lambda r: r.pop("verdict"), lambda r: r.update(other=1),
        lambda r: r["metrics"][0].update(outcome="perhaps"),
        lambda r: r["seen"].pop("words_lost"), lambda r: r["pairs"][0].pop("candidate_first"),
        lambda r: r.update(schema=2)),
}


@unittest.skipIf(jsonschema is None and not os.environ.get("CI"),
                 "jsonschema is not installed (package python3-jsonschema)")
class ReportSchema(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        with open(schema_path, encoding="utf-8") as file:
            schema = json.load(file)
        jsonschema.Draft7Validator.check_schema(schema)
        cls.validator = jsonschema.Draft7Validator(schema)
        cls.reports = {}
        for path in glob.glob(os.path.join(folder, "*.json")):
            with open(path, encoding="utf-8") as file:
                cls.reports[os.path.basename(path)] = json.load(file)

    def test_every_golden_is_of_the_schema(self):
        self.assertGreaterEqual(len(self.reports), 4)
        for name, report in self.reports.items():
            with self.subTest(name):
                self.assertEqual([error.message for error in self.validator.iter_errors(report)], [])

    def test_what_is_not_of_the_schema_is_found(self):
        report = self.reports["pass.json"]
        for change in BROKEN[self.validator.schema["title"]]:
            changed = copy.deepcopy(report)
            change(changed)
            self.assertFalse(self.validator.is_valid(changed))


if __name__ == "__main__":
    schema_path, folder = sys.argv[1:3]
    unittest.main(argv=sys.argv[:1])
