"""Grades a document with redocly and spectral: no errors but those that exceptions.toml names, and no exception that
nothing needs any more. lint.py DOCUMENT NODE_MODULES"""

import json
import os
import pathlib
import subprocess
import sys

import exceptions

FOLDER = pathlib.Path(__file__).parent
# Neither tells anybody of us, nor looks for a newer version of itself.
QUIET = {"REDOCLY_TELEMETRY": "off", "REDOCLY_SUPPRESS_UPDATE_NOTICE": "true", "NO_UPDATE_NOTIFIER": "1"}


def run(*command):
    ran = subprocess.run(command, env={**os.environ, **QUIET}, capture_output=True, text=True, check=False)
    try:
        return json.loads(ran.stdout)
    except ValueError:
        raise SystemExit(f"{command[0]} gave no report:\n{ran.stdout}{ran.stderr}") from None


def redocly(document, modules):
    """(rule, place, sentence) of every error."""
    report = run(
        f"{modules}/.bin/redocly", "lint", document, "--config", str(FOLDER / "redocly.yaml"),
        "--format", "json", "--max-problems", "1000",
    )
    for problem in report["problems"]:
        if problem["severity"] == "error":
            place = problem["location"][0].get("pointer", "#") if problem["location"] else "#"
            yield problem["ruleId"], place, problem["message"]


def spectral(document, modules):
    """(rule, place, sentence) of every error."""
    ruleset = pathlib.Path(modules).parent / "spectral.json"
    owasp = f"{modules}/@stoplight/spectral-owasp-ruleset/dist/ruleset.js"
    ruleset.write_text(json.dumps({"extends": ["spectral:oas", owasp]}), encoding="utf-8")
    report = run(f"{modules}/.bin/spectral", "lint", document, "--ruleset", str(ruleset), "--format", "json", "--quiet")
    for problem in report:
        if problem["severity"] == 0:
            yield problem["code"], ".".join(map(str, problem["path"])), problem["message"]


def main(document, modules):
    known, used, bad = exceptions.read(), set(), 0
    for name, grader in (("redocly", redocly), ("spectral", spectral)):
        for rule, place, sentence in grader(document, modules):
            entries = known.get(name, [])
            fitting = [n for n, entry in enumerate(entries) if entry["rule"] == rule and exceptions.fits(entry, "at", place)]
            used.update((name, n) for n in fitting)
            if not fitting:
                bad += 1
                print(f"{name}: {rule} at {place}: {sentence}", file=sys.stderr)
        for n, entry in enumerate(known.get(name, [])):
            if (name, n) not in used:
                bad += 1
                print(f"exceptions.toml: nothing needs the exception of {name} for {entry['rule']}", file=sys.stderr)
    if bad:
        raise SystemExit(f"{bad} findings; a finding that is right is put right in the API, not here")


main(*(str(pathlib.Path(path).resolve()) for path in sys.argv[1:]))
