"""Every curl command of docs/api.md is sent as it stands there, to a bank with the demo's codes."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from bankcrm.models import User
from campaigns import loop_steps
from campaigns.models import Campaign
from customers.models import TierRule
from tests.api.callers import Caller
from tests.campaigns import factories

pytestmark = pytest.mark.django_db

PAGE = (Path(__file__).parents[2] / "docs/api.md").read_text()


def commands() -> list[dict[str, Any]]:
    """Method, path below /api/v1/ and JSON body of each curl command, in the order of the page."""
    found = []
    for block in re.findall(r"```sh\n(.*?)```", PAGE, re.DOTALL):
        for text in re.split(r"(?m)^(?=curl )", block.replace("\\\n", " ")):
            if not text.startswith("curl "):
                continue
            words = iter(shlex.split(text)[1:])
            given: dict[str, Any] = {"method": "", "body": None, "path": "", "form": {}}
            for word in words:
                if word == "-X":
                    given["method"] = next(words).lower()
                elif word == "-d":
                    given["body"] = json.loads(next(words))
                elif word == "-H":
                    next(words)
                elif word == "-F":
                    name, _sign, value = next(words).partition("=")
                    given["form"][name] = value
                else:
                    given["path"] = word.removeprefix("$BANK/")
            given["method"] = given["method"] or (
                "get" if given["body"] is None and not given["form"] else "post"
            )
            found.append(given)
    return found


@pytest.fixture
def demo(cast, leads) -> None:
    """The product, offer and model whose codes the demo uses."""
    product = factories.make_product("fund")
    TierRule.objects.create(
        code="gold", name="Gold", rank=1, minimum_aum=50_000, valid_from=factories.TODAY.replace(day=1)
    )
    loop_steps.offer(product)
    factories.make_scores(
        product, cast.ana, dict.fromkeys(factories.make_customers(3, cast.tree.n1, prefix="S"), 0.1)
    )


def upload(caller: Caller, one: dict[str, Any]) -> Any:
    """The form with a file in the place of @name."""
    rows = b"number,name\nC901,Wang\n"
    form = {
        name: SimpleUploadedFile(value[1:], rows) if value.startswith("@") else value
        for name, value in one["form"].items()
    }
    return caller.client.post(f"/api/v1/{one['path']}", form, headers=caller.headers)


def test_every_documented_command_is_answered(cast, leads, demo, tmp_path, settings):
    settings.MEDIA_ROOT = tmp_path
    sent = commands()
    assert [one["path"] for one in sent] == [
        "token/",
        "leads/?waiting=true&page_size=20",
        "leads/7/outcomes/",
        "customers/?tier=gold&falling=true&order=-aum&page_size=20",
        "customers/search/",
        "customers/4/",
        "customers/4/preferences/",
        "customers/4/scores/",
        "customers/4/transactions/?since=2026-10-01&until=2026-10-31&direction=out",
        "customers/4/reveal/",
        "customer-fields/?area=value",
        "campaigns/",
        "campaigns/12/",
        "campaigns/12/select/",
        "imports/",
        "imports/5/mapping/",
        "imports/5/mapping/",
        "imports/5/check/",
        "imports/5/report/",
    ]
    callers: dict[str, User] = {"leads": cast.rita, "campaigns": cast.mei, "token": cast.mei}
    callers |= {"imports": cast.ana, "customers": cast.rita, "customer-fields": cast.rita}
    made = brought = 0
    for one in sorted(sent, key=lambda one: one["path"] == "token/"):
        caller = Caller(callers[one["path"].split("/")[0]])
        meant = {"7": leads[0].pk, "12": made, "4": leads[0].customer_id, "5": brought}
        # Part by part: the id that stands for one number may be another of them.
        path = "/".join(str(meant.get(part, part)) for part in one["path"].split("/"))
        answer = upload(caller, one) if one["form"] else caller.send(one["method"], path, one["body"])
        assert answer.status_code in (200, 201, 202, 204), (one, answer.content)
        if path == "campaigns/":
            made = answer.json()["id"]
        elif path == "imports/":
            brought = answer.json()["id"]
    assert Campaign.objects.get(pk=made).capacity == 400
