"""What every operation of the schema says the same way: how it refuses, and its idempotency key."""

from __future__ import annotations

from typing import Any

from bankcrm.idempotency import HEADER
from bankcrm.problems import MEDIA_TYPE

PROBLEM = {
    "type": "object",
    "description": "Why nothing was done. Some refusals say more: errors, current, yours, holder, since.",
    "required": ["code", "detail", "kept"],
    "properties": {
        "code": {"type": "string", "description": "for programs: invalid, forbidden, not_found, stale …"},
        "detail": {"type": "string", "description": "one sentence for people"},
        "kept": {"type": "string", "description": "what became of what was sent"},
        "errors": {
            "type": "object",
            "additionalProperties": True,
            "description": "field → what is wrong with it",
        },
    },
    "additionalProperties": True,
}
REFUSALS = {
    "400": "The request makes no sense as it is; errors names the fields.",
    "401": "No token and no session.",
    "403": "Your role does not include this.",
    "404": "Nothing here that you may see.",
    "409": "Somebody was faster, or the idempotency key stands for another request.",
    "413": "The body is too large.",
    "415": "Send application/json.",
    "422": "Against a rule of the bank; detail says which.",
}
# A token's key and a number in full are secrets that no second table keeps, and neither is what a search found;
# revoking twice is the same as once.
WITHOUT_KEY = frozenset({"token_create", "token_revoke", "customers_search", "customers_reveal"})
UNSAFE = ("post", "put", "patch", "delete")
KEY = {
    "name": HEADER,
    "in": "header",
    "required": False,
    "description": "Made once by the sender; the same request sent again under it gets the first answer.",
    "schema": {"type": "string", "maxLength": 200},
}


def describe_refusals(result: dict[str, Any], **_more: Any) -> dict[str, Any]:
    """drf-spectacular's postprocessing hook: adds refusals and the key to every operation of ``result``."""
    result.setdefault("components", {}).setdefault("schemas", {})["Problem"] = PROBLEM
    for path, item in result["paths"].items():
        for method, operation in item.items():
            unsafe = method in UNSAFE
            told = operation["responses"]
            for status in {*_statuses(path, unsafe), *(REFUSALS.keys() & told.keys())}:
                told[status] = _refusal(told.get(status, {}).get("description") or REFUSALS[status])
            operation["responses"] = dict(sorted(told.items()))
            if unsafe and operation["operationId"] not in WITHOUT_KEY:
                operation.setdefault("parameters", []).append(KEY)
    return result


def _statuses(path: str, unsafe: bool) -> list[str]:
    statuses = ["400", "401", "403"]
    if "{" in path:
        statuses.append("404")
    return [*statuses, "409", "413", "415", "422"] if unsafe else statuses


def _refusal(description: str) -> dict[str, Any]:
    return {
        "description": description,
        "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
    }
