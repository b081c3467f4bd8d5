#!/usr/bin/env python3
"""The alerts fire and end where they say, and speak, like the dashboard, only of what the service tells.

usage: monitoring.py ROOT [unittest arguments]

METRICS is the whole text of a service, which the unit test of the metrics asserts.
"""
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

root = os.path.abspath(sys.argv[1])
RULES = os.path.join(root, "deploy/prometheus/penstock.rules.yml")
TESTS = os.path.join(root, "deploy/prometheus/penstock.rules.test.yml")
CONFIG = os.path.join(root, "deploy/prometheus/prometheus.yml")
DASHBOARD = os.path.join(root, "deploy/grafana/penstock.json")
METRICS = os.path.join(root, "test/unit/data/metrics.prom")
RUNBOOK = os.path.join(root, "docs/operations.md")


def read(path):
    with open(path) as file:
        return file.read()


def promtool(*arguments, text=None):
    return subprocess.run(["promtool", *arguments], input=text, capture_output=True, text=True)


def panels_of(dashboard):
    return [panel for panel in dashboard["panels"] if panel["type"] != "row"]


def expressions_of(dashboard):
    found = [target["expr"] for panel in panels_of(dashboard) for target in panel["targets"]]
    return found + [each["expr"] for each in dashboard["annotations"]["list"]]


def series_told():
    """Of each metric the labels of its series, with the values of those whose set is closed."""
    told = {}
    for line in read(METRICS).splitlines():
        if not line.startswith("#"):
            name, labels = re.fullmatch(r"(\w+)(?:\{(.*)\})? \S+", line).groups()
            values = told.setdefault(name, {})
            for label, value in re.findall(r'(\w+)="((?:[^"\\]|\\.)*)"', labels or ""):
                values.setdefault(label, set()).add(value)
    return told


def selectors_in(expression):
    """Names of metrics, with what is asked of their labels."""
    for name, matchers in re.findall(r"\b(penstock_\w+)(?:\{([^}]*)\})?", expression):
        yield name, re.findall(r'(\w+)(=~|!~|!=|=)"([^"]*)"', matchers)


@unittest.skipIf(shutil.which("promtool") is None and os.environ.get("CI") != "true",
                 "promtool is not installed (package prometheus)")
class Monitoring(unittest.TestCase):
    def expect_sound(self, ran):
        self.assertEqual(ran.returncode, 0, ran.stdout + ran.stderr)

    def test_rules_and_configuration_are_valid(self):
        self.expect_sound(promtool("check", "rules", RULES))
        self.expect_sound(promtool("check", "config", "--syntax-only", CONFIG))

    def test_alerts_fire_and_end_at_their_boundaries(self):
        self.expect_sound(promtool("test", "rules", TESTS))

    def test_the_metrics_follow_the_conventions(self):
        ran = promtool("check", "metrics", text=read(METRICS))
        self.expect_sound(ran)
        self.assertEqual(ran.stderr, "")

    def test_every_alert_is_tested_both_ways_and_has_a_runbook(self):
        rules, tests, runbook = read(RULES), read(TESTS), read(RUNBOOK)
        alerts = re.split(r"\n      - alert: ", rules)[1:]
        self.assertGreater(len(alerts), 10)
        for alert in alerts:
            name = alert.split("\n")[0]
            with self.subTest(name):
                self.assertRegex(alert, r"severity: (warning|critical)\b")
                for annotation in ("summary", "description"):
                    self.assertRegex(alert, rf"\n          {annotation}: ")
                self.assertIn(f"runbook: docs/operations.md#{name.lower()}\n", alert + "\n")
                self.assertIn(f"\n### {name}\n", runbook)
                self.assertRegex(tests, rf"alertname: {name}, exp_alerts: \[\]")
                self.assertRegex(tests, rf"alertname: {name}\n +exp_alerts:\n")
        self.assertEqual(sorted(re.findall(r"\n### (Penstock\w+)", runbook)),
                         sorted(alert.split("\n")[0] for alert in alerts))

    def test_rules_and_dashboard_ask_only_for_what_is_told(self):
        told = series_told()
        rules = re.sub(r"(?m)#.*$", "", read(RULES))
        records = set(re.findall(r"- record: (\S+)", rules))
        dashboard = expressions_of(json.loads(read(DASHBOARD)))
        asked = 0
        for expression in [rules, *dashboard]:
            for record in re.findall(r"\b\w+:penstock_\w+:\w+|\bpenstock:\w+:\w+", expression):
                self.assertIn(record, records)
            expression = re.sub(r"\b\w+:penstock_\w+:\w+", "", expression)
            # Names of groups and of jobs.
            expression = re.sub(r"- name: \w+", "", expression)
            for name, matchers in selectors_in(expression):
                asked += 1
                self.assertIn(name, told)
                for label, how, value in matchers:
                    self.assertIn(label, told[name], f"{name}{{{label}}}")
                    if label in ("lane", "state", "outcome", "reason", "stage", "le"):
                        wanted = value.split("|") if "~" in how else [value]
                        self.assertLessEqual(set(wanted), told[name][label], f"{name}{{{label}}}")
        self.assertGreater(asked, 50)

    def test_labels_in_alerts_and_aggregations_are_told(self):
        labels = {label for values in series_told().values() for label in values} | {"instance", "job"}
        texts = [re.sub(r"(?m)#.*$", "", read(RULES)), *expressions_of(json.loads(read(DASHBOARD)))]
        for text in texts:
            for names in re.findall(r"\b(?:by|on) \(([^)]*)\)", text):
                self.assertLessEqual({name.strip() for name in names.split(",")} - {""}, labels)
            self.assertLessEqual(set(re.findall(r"\$labels\.(\w+)", text)), labels)
        legends = [target["legendFormat"] for panel in panels_of(json.loads(read(DASHBOARD)))
                   for target in panel["targets"]]
        for legend in legends:
            self.assertLessEqual(set(re.findall(r"\{\{(\w+)\}\}", legend)), labels)


@unittest.skipIf(shutil.which("promtool") is None and os.environ.get("CI") != "true",
                 "promtool is not installed (package prometheus)")
class Dashboard(unittest.TestCase):
    def setUp(self):
        self.dashboard = json.loads(read(DASHBOARD))

    def test_its_expressions_parse(self):
        expressions = expressions_of(self.dashboard)
        rules = [{"record": f"dashboard:{i}:checked", "expr": expression}
                 for i, expression in enumerate(expressions)]
        with tempfile.NamedTemporaryFile("w", suffix=".yml") as file:
            json.dump({"groups": [{"name": "dashboard", "rules": rules}]}, file)
            file.flush()
            ran = promtool("check", "rules", file.name)
        self.assertEqual(ran.returncode, 0, ran.stdout + ran.stderr)
        self.assertIn(f"{len(expressions)} rules found", ran.stdout)

    def test_it_uses_the_data_source_that_is_chosen(self):
        variables = {each["name"]: each for each in self.dashboard["templating"]["list"]}
        self.assertEqual(variables["datasource"]["type"], "datasource")
        for panel in panels_of(self.dashboard):
            for part in [panel, *panel["targets"]]:
                self.assertEqual(part["datasource"]["uid"], "${datasource}", panel["title"])

    def test_panels_have_titles_of_their_own_and_do_not_overlap(self):
        taken = {}
        panels = self.dashboard["panels"]
        self.assertEqual(len({panel["id"] for panel in panels}), len(panels))
        self.assertEqual(len({panel["title"] for panel in panels}), len(panels))
        for panel in panels:
            at = panel["gridPos"]
            self.assertLessEqual(at["x"] + at["w"], 24)
            for x in range(at["x"], at["x"] + at["w"]):
                for y in range(at["y"], at["y"] + at["h"]):
                    self.assertNotIn((x, y), taken, f"{panel['title']} over {taken.get((x, y))}")
                    taken[x, y] = panel["title"]


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0], *sys.argv[2:]])
