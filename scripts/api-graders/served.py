"""Says how many operations have done what they are for, and for whom. served.py FILE"""

import json
import sys


def main(file):
    with open(file, encoding="utf-8") as text:
        operations = json.load(text)
    served, people = 0, set()
    for answers in operations.values():
        successes = {
            name
            for name, counts in answers.items()
            if isinstance(counts, dict) and any(answer.startswith("2") for answer in counts)
        }
        served += bool(successes)
        people |= successes
    print(f"{served} of {len(operations)} operations answered with success, to: {', '.join(sorted(people))}")


main(*sys.argv[1:])
