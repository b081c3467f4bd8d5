#!/usr/bin/env python3
"""What capacity runs came to, run by run.

usage: capacity_history.py add HISTORY REPORT.json    adds a line of JSON
       capacity_history.py show HISTORY               the last runs of each profile, and what changed
"""
import json
import sys

RUNS_SHOWN = 8


def summary(report):
    daily = report["daily"] or {}
    return {"started": report["environment"]["started"], "version": report["environment"]["version"],
            "machine": report["environment"]["machine"], "cores": report["environment"]["cores"],
            "profile": report["profile"]["name"], "seed": report["seed"], "verdict": report["verdict"],
            "bound_by": report["bound_by"], "documents_per_day": daily.get("documents"),
            "documents_per_day_low": daily.get("low"),
            "targets": {target["name"]: target["value"] for target in report["targets"]}}


def shown(value):
    if value is None:
        return "-"
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def show(runs):
    for profile in dict.fromkeys(run["profile"] for run in runs):
        of_profile = [run for run in runs if run["profile"] == profile][-RUNS_SHOWN:]
        names = list(dict.fromkeys(name for run in of_profile for name in run["targets"]))
        widths = [max(12, len(name) + 2) for name in names]
        print(f"{profile}\n  {'started':<22}{'verdict':<14}" +
              "".join(f"{name:>{width}}" for name, width in zip(names, widths)))
        for run in of_profile:
            print(f"  {run['started']:<22}{run['verdict']:<14}" +
                  "".join(f"{shown(run['targets'].get(name)):>{width}}" for name, width in zip(names, widths)))
        if of_profile[-1]["verdict"] != "pass":
            print(f"  last: {of_profile[-1]['bound_by']}")


def main():
    command, history, *rest = sys.argv[1:]
    if command == "add":
        with open(rest[0]) as file:
            line = json.dumps(summary(json.load(file)))
        with open(history, "a") as file:
            file.write(line + "\n")
    else:
        with open(history) as file:
            show([json.loads(line) for line in file])


if __name__ == "__main__":
    main()
