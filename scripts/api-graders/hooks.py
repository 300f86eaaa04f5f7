"""Loaded by schemathesis: who calls what, with which right requests to start from, and which findings are passed
over. GRADING_EXAMPLES names the requests that are right, by operationId, as grading_ground wrote them; GRADING_SERVED
where the count of the answers goes."""

import itertools
import json
import os
import pathlib
import sys
import threading

import requests
import schemathesis
from schemathesis.wfc.escalation import EscalatingAuthProvider

sys.path.insert(0, str(pathlib.Path(__file__).parent))
import exceptions  # noqa: E402  (the folder is not a package)

EXCEPTIONS = exceptions.read()
EXAMPLES = json.loads(pathlib.Path(os.environ["GRADING_EXAMPLES"]).read_text(encoding="utf-8"))

# Who is entitled by a security scheme of the document: first those to whom the objects of the examples belong.
BY_SCHEME = {
    "member": (["anna"], ["boris"]),
    "key": (["luna_till"], ["sol_till"]),
    "staff": (["luna_owner"], ["luna_manager", "luna_cashier", "sol_owner"]),
    "operator": (["admin", "second_admin"], ["support"]),
}
# What changes the caller so much that nobody else may call it.
BY_DORA = {"users_change_phone", "users_request_phone_code", "users_set_my_consents", "auth_set_password"}


def people_for(operation):
    """Names in the order of their turns: whoever has the objects twice as often as the others."""
    raw = operation.definition.raw
    if raw.get("operationId") in BY_DORA:
        return ["dora"]
    schemes = [scheme for need in raw.get("security", []) for scheme in need]
    if not schemes:
        return [None]
    owners = [name for scheme in schemes for name in BY_SCHEME[scheme][0]]
    others = [name for scheme in schemes for name in BY_SCHEME[scheme][1]]
    return [name for other in others for name in (*owners, *owners, other)]


class EverybodyInTurn(EscalatingAuthProvider):
    """Each operation is called by everybody whom the document entitles, in turn; nothing depends on earlier answers."""

    def __init__(self, loaded):
        names = [name for name in loaded.names if name != "<anonymous>"]
        providers = [loaded.provider_for(name) for name in names]
        super().__init__(providers, names, peers=loaded.peers)
        self.turns = {}
        self.lock = threading.Lock()

    def get(self, case, context):
        with self.lock:
            label = context.operation.label
            if label not in self.turns:
                self.turns[label] = itertools.cycle(people_for(context.operation))
            name = next(self.turns[label])
        if name is None:
            return None
        return name, self.provider_for(name).get(case, context)

    def set(self, case, data, context):
        name, credential = data
        case._auth_identity = name
        self.provider_for(name).set(case, credential, context)

    def record(self, label, identity, status_code):
        pass


@schemathesis.hook
def after_load_schema(context, schema):
    providers = schema.auth.providers
    providers[:] = [
        EverybodyInTurn(one) if isinstance(one, EscalatingAuthProvider) else one for one in providers
    ]


@schemathesis.hook
def before_load_schema(context, raw_schema):
    """Puts requests that are right on this ground where the document has examples."""
    for item in raw_schema["paths"].values():
        for operation in item.values():
            if not isinstance(operation, dict):
                continue
            right = EXAMPLES.get(operation.get("operationId"), {})
            for parameter in operation.get("parameters", []):
                if parameter["in"] == "path" and parameter["name"] in right.get("path", {}):
                    parameter["example"] = right["path"][parameter["name"]]
                if parameter["name"] == "If-Match":
                    # With a pattern that wants quotes schemathesis finds no right value, and sends none at all.
                    parameter["schema"].pop("pattern", None)
                if parameter["in"] == "query":
                    # Together they would find nothing.
                    parameter.pop("example", None)
            if "body" in right:
                operation["requestBody"]["content"]["application/json"]["example"] = right["body"]


COUNT = itertools.count(1)
# The document's own: a key that names one attempt, and a version that somebody has read.
AN_ATTEMPT = "8e03978e-40d5-43dd-bc93-6894a57f9324"
A_VERSION = '"v3"'
# What is read elsewhere than it is written.
READ_AT = {"/api/v1/admin/tiers": "/api/v1/loyalty/tiers"}


def present_version(case):
    """The ETag of what the case is about to change, as the same caller reads it."""
    path = READ_AT.get(case.operation.path, case.formatted_path)
    headers = {"Authorization": case.headers.get("Authorization", "")}
    answer = requests.get(case.operation.schema.get_base_url() + path, headers=headers, timeout=20)
    return answer.headers.get("ETag", A_VERSION)


@schemathesis.hook
def before_call(context, case, kwargs):
    """What is good once is new each time."""
    number = next(COUNT)
    if case.headers.get("Idempotency-Key") == AN_ATTEMPT:
        case.headers["Idempotency-Key"] = f"attempt-{number}"
    if case.headers.get("If-Match") == A_VERSION:
        case.headers["If-Match"] = present_version(case)
    body = case.body if isinstance(case.body, dict) else {}
    right = EXAMPLES.get(case.operation.definition.raw.get("operationId"), {}).get("body", {})
    for field in ("receipt_number", "reference"):
        if field in right and body.get(field) == right[field]:
            case.body = body = {**body, field: f"grade-{number}"}


def problem_of(response):
    try:
        document = json.loads(response.content)
    except ValueError:
        return {}
    return document if isinstance(document, dict) else {}


@schemathesis.hook
def filter_failure(context, failure, case, response):
    """False for what exceptions.toml names."""
    problem = problem_of(response)
    pointers = [error.get("pointer", "") for error in problem.get("errors", [])]
    return not any(
        entry["check"] in failure.checks
        and exceptions.fits(entry, "operation", case.operation.label)
        and exceptions.fits(entry, "code", problem.get("code", ""))
        and exceptions.fits(entry, "who", case.auth_identity or "nobody")
        and exceptions.found_in(entry, "about", failure.message)
        and ("pointer" not in entry or pointers)
        and all(exceptions.fits(entry, "pointer", pointer) for pointer in pointers)
        for entry in EXCEPTIONS.get("schemathesis", [])
    )


@schemathesis.check
class every_operation_is_served:
    """Each operation has once done what it is for: one that only ever refused was not graded."""

    def __init__(self):
        self.answers = {}

    def after_response(self, ctx, response, case):
        answers = self.answers.setdefault(case.operation.label, {"id": case.operation.definition.raw["operationId"]})
        if response.request.method != case.operation.method.upper():
            return
        who = answers.setdefault(case.auth_identity or "nobody", {})
        what = f"{response.status_code} {problem_of(response).get('code', '')}".strip()
        who[what] = who.get(what, 0) + 1

    def after_run(self, ctx):
        pathlib.Path(os.environ["GRADING_SERVED"]).write_text(json.dumps(self.answers, indent=1, sort_keys=True))
        refusing = [
            label
            for label, answers in self.answers.items()
            if not any(what.startswith("2") for who in answers.values() if isinstance(who, dict) for what in who)
            and not any(exceptions.fits(entry, "id", answers["id"]) for entry in EXCEPTIONS.get("served", []))
        ]
        if refusing:
            raise AssertionError("never answered with success: " + ", ".join(sorted(refusing)))


@schemathesis.serializer("application/x-ndjson")
def lines_of_json(ctx, value):
    """A text goes as it is, anything else as one line."""
    if isinstance(value, bytes):
        return value
    return (value if isinstance(value, str) else json.dumps(value)).encode()
