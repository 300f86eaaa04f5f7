"""Waits until the service is ready, and makes sure that it knows everybody whom the grader is going to call as: a
grader whose people are all refused finds nothing. people.py URL FILE PID"""

import json
import os
import sys
import time
import urllib.error
import urllib.request

# Where each credential is good for something; whatever has no line of its own is a person's.
KNOWN_AT = {
    "luna_till": "/api/v1/transactions",
    "sol_till": "/api/v1/transactions",
    "support": "/api/v1/admin/members",
    "admin": "/api/v1/admin/settings",
    "second_admin": "/api/v1/admin/settings",
}
A_PERSON = "/api/v1/users/me"


def status(url, headers):
    try:
        with urllib.request.urlopen(urllib.request.Request(url, headers=headers), timeout=10) as answer:
            return answer.status
    except urllib.error.HTTPError as error:
        return error.code
    except OSError:
        return 0


def main(url, file, pid):
    deadline = time.monotonic() + 60
    while status(f"{url}/health/ready", {}) != 200:
        os.kill(int(pid), 0)
        if time.monotonic() > deadline:
            raise SystemExit("not ready after a minute")
        time.sleep(0.1)
    with open(file, encoding="utf-8") as text:
        people = json.load(text)["auth"]
    for person in people:
        headers = {header["name"]: header["value"] for header in person["fixedHeaders"]}
        path = KNOWN_AT.get(person["name"], A_PERSON)
        answer = status(url + path, headers)
        if answer != 200:
            raise SystemExit(f"{person['name']} is not let in: {answer} at {path}")


main(*sys.argv[1:])
