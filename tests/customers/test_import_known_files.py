"""A file whose header everybody knows is greeted by its name and filled in with one click."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.urls import reverse

from customers.imports import known_files
from customers.models import Assignment, ImportFile
from tests.cast import Cast, login
from tests.customers.import_page_steps import bring_in, filled, upload
from tests.customers.imports_world import product

pytestmark = pytest.mark.django_db
CALLS = next(known for known in known_files.KNOWN if known.code == "bank-additional")
ROW = "36,admin.,single,basic.9y,no,no,no,telephone,may,tue,166,1,{},0,none,1.1,93.9,-36.4,4.8,5191,{}\n"


@pytest.fixture(autouse=True)
def own_files(tmp_path: Path, settings) -> None:
    settings.MEDIA_ROOT = tmp_path / "media"


def calls() -> bytes:
    return (",".join(CALLS.columns) + "\n" + ROW.format(999, "no") + ROW.format(6, "yes")).encode()


def test_a_known_file_comes_in_with_one_click_and_the_name_of_a_product(cast: Cast) -> None:
    product("td")
    client = login(cast.ana)
    page = upload(client, calls(), "campaign", "calls.csv")
    address = reverse("import-map", args=[page.context["file"].pk])
    text = page.content.decode()
    assert "This looks like the calls of a Portuguese bank" in text
    assert f'href="?as={CALLS.code}"' in text
    page = client.get(address, {"as": CALLS.code})
    assert "look it over and save it" in page.content.decode()
    assert ImportFile.objects.get().mapping["contact"] == "facts"
    assert not ImportFile.objects.get().options.get("campaign"), "looking at it stores nothing"
    file = bring_in(client, page, filled(page) | {"campaign_product": "td"})
    assert (file.inserted, file.rejected) == (2, 0)
    told = Assignment.objects.order_by("customer__number").values_list("cell_code", "is_random", "facts")
    assert [(cell, is_random, facts["pdays"]) for cell, is_random, facts in told] == [
        ("called", False, None),
        ("called", False, "6"),
    ]
    assert "This looks like" not in client.get(address).content.decode()


def test_a_known_file_brought_as_something_else_can_be_brought_as_what_it_is(cast: Cast) -> None:
    client = login(cast.ana)
    page = upload(client, calls(), "customers", "calls.csv")
    text = page.content.decode()
    assert "Bring it as a past campaign" in text
    assert "?as=" not in text
    again = client.post(
        reverse("import-again", args=[page.context["file"].pk]), {"kind": "campaign"}, follow=True
    )
    assert "Use its mapping" in again.content.decode()


def test_tables_that_refer_to_each_other_are_named_with_the_command_that_reads_them(cast: Cast) -> None:
    page = upload(login(cast.ana), b"client_id;birth_number;district_id\n1;706213;18\n", name="client.asc")
    text = page.content.decode()
    assert "--source-preset berka" in text
    assert "Use its mapping" not in text
