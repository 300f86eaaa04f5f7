"""Reads exceptions.toml, the one list of what the graders may find."""

import pathlib
import re
import tomllib

FIELDS = {
    "operation": {"id", "reason"},
    "served": {"id", "reason"},
    "schemathesis": {"check", "operation", "code", "pointer", "who", "about", "reason"},
    "spectral": {"rule", "at", "reason"},
    "redocly": {"rule", "at", "reason"},
}


def read():
    """The exceptions by grader; each has a reason, and no field that nobody reads."""
    text = pathlib.Path(__file__).with_name("exceptions.toml").read_text(encoding="utf-8")
    found = tomllib.loads(text)
    for grader, entries in found.items():
        for entry in entries:
            unknown = set(entry) - FIELDS[grader]
            if unknown or not entry.get("reason"):
                raise SystemExit(f"exceptions.toml: {grader}: {entry}: unknown {unknown}, or no reason")
    return found


def fits(entry, field, text):
    """Whether a text fits the entry's expression; an entry without one fits all."""
    return field not in entry or re.fullmatch(entry[field], text) is not None


def found_in(entry, field, text):
    """Whether the entry's expression is found in a text; an entry without one fits all."""
    return field not in entry or re.search(entry[field], text) is not None


def left_out():
    """One expression for the operationIds that are not called."""
    return "|".join(f"^(?:{entry['id']})$" for entry in read().get("operation", []))


if __name__ == "__main__":
    print(left_out())
