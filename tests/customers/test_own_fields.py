"""Columns that no field of the catalogue names are kept as the bank's own fields, with their history."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import pytest

from customers import fields, imports
from customers.imports import undo
from customers.models import Customer, ImportFile, OwnField, OwnValues
from tests.cast import Cast
from tests.customers.imports_world import rejects, write

pytestmark = pytest.mark.django_db

OWN = {
    "own_score": {"label": "Credit score", "type": "whole", "heading": "Score"},
    "own_exited": {"label": "Exited", "type": "flag", "heading": "Exited"},
    "own_card": {"label": "Card", "type": "choice", "heading": "Card"},
    "own_seen": {"label": "Seen on", "type": "date", "heading": "Seen"},
}
MAPPED = {"Score": "own_score", "Exited": "own_exited", "Card": "own_card", "Seen": "own_seen"}
HEAD = "number,name,Score,Exited,Card,Seen\n"
FIRST = HEAD + "1,Ann,619,1,Blue,2024-01-05\n2,Ben,608,no,Gold,2024-02-05\n3,Cem,,0,,\n"


@pytest.fixture(autouse=True)
def own_files(tmp_path: Path, settings) -> None:
    settings.MEDIA_ROOT = tmp_path / "media"


def bring(*given: Any, **more: Any) -> ImportFile:
    return imports.merge(looked_at(*given, **more))


def looked_at(
    folder: Path, cast: Cast, text: str, name: str = "a.csv", day: str = "2024-11-30", **more: Any
) -> ImportFile:
    file = imports.receive(
        write(folder, text, name),
        "customers",
        cast.ada,
        name,
        mapped={column: code for column, code in MAPPED.items() if column in text.partition("\n")[0]},
        options={"own": OWN},
        **more,
    )
    ImportFile.objects.filter(pk=file.pk).update(effective_on=dt.date.fromisoformat(day))
    file.refresh_from_db()
    return imports.check(file)


def told(number: str) -> dict[str, Any]:
    """Code → what is known now of a customer."""
    from django.db import connection

    codes = list(fields.everything().keys() & set(OWN))
    columns = ", ".join(fields.get(code).current for code in codes)
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {columns} FROM customers_customer c WHERE c.number = %s", [number])
        return dict(zip(codes, cursor.fetchone(), strict=True))


def test_kept_columns_become_fields_with_the_values_of_each_customer(cast: Cast, tmp_path: Path) -> None:
    file = bring(tmp_path, cast, FIRST)
    assert (file.state, file.accepted, file.rejected) == (ImportFile.State.MERGED, 3, 0)
    assert told("1") == {
        "own_score": 619,
        "own_exited": True,
        "own_card": "Blue",
        "own_seen": dt.date(2024, 1, 5),
    }
    assert told("2")["own_exited"] is False
    assert told("3") == {"own_score": None, "own_exited": False, "own_card": None, "own_seen": None}
    entry = fields.get("own_card")
    assert (entry.label, entry.type, entry.origin) == ("Card", fields.Type.CHOICE, fields.Origin.OWN)
    assert entry.personal == fields.Personal.PERSONAL
    assert [code for code, _label in entry.choices] == ["Blue", "Gold"]


def test_a_value_that_is_none_leaves_its_row_out_with_line_column_and_reason(
    cast: Cast, tmp_path: Path
) -> None:
    file = bring(tmp_path, cast, FIRST + "4,Dee,6x,1,Blue,2024-01-05\n5,Eve,1,maybe,Blue,2024-13-05\n")
    assert rejects(file) == [
        (5, "Score", "not_a_number"),
        (6, "Seen", "impossible_date"),
        (6, "Exited", "not_yes_or_no"),
    ]
    assert not Customer.objects.filter(number__in=["4", "5"]).exists()


def test_the_next_file_writes_only_what_it_says_differently(cast: Cast, tmp_path: Path) -> None:
    bring(tmp_path, cast, FIRST)
    bring(tmp_path, cast, FIRST.replace("619", "700").replace(",Gold", ","), "b.csv", "2024-12-31")
    later = OwnValues.objects.filter(valid_from=dt.date(2024, 12, 31)).order_by("customer__number")
    ids = dict(OwnField.objects.values_list("code", "id"))
    assert [row.content for row in later] == [{str(ids["own_score"]): 700}, {str(ids["own_card"]): None}]
    assert (told("1")["own_score"], told("2")["own_card"]) == (700, None)


def test_undo_gives_the_former_values_back(cast: Cast, tmp_path: Path) -> None:
    bring(tmp_path, cast, FIRST)
    before = [told(number) for number in "123"]
    again = bring(tmp_path, cast, FIRST.replace("619", "700").replace("3,Cem,,0", "3,Cem,5,1"), "b.csv")
    assert told("3")["own_score"] == 5
    undo.undo(again, cast.ada)
    assert [told(number) for number in "123"] == before


def test_undo_of_the_file_that_brought_the_customers_takes_their_values_along(
    cast: Cast, tmp_path: Path
) -> None:
    file = bring(tmp_path, cast, FIRST)
    undo.undo(file, cast.ada)
    assert not Customer.objects.exists()
    assert not OwnValues.objects.exists()


def test_undo_stops_where_another_source_said_something_of_the_customers(cast: Cast, tmp_path: Path) -> None:
    file = bring(tmp_path, cast, FIRST)
    bring(tmp_path, cast, "number,Score\n1,700\n", "b.csv", "2024-12-31", from_source="cards")
    with pytest.raises(imports.Refused, match="own values: 1"):
        undo.undo(file, cast.ada)


def test_another_file_with_the_same_values_changes_nothing(cast: Cast, tmp_path: Path) -> None:
    bring(tmp_path, cast, FIRST)
    bring(tmp_path, cast, FIRST + "\n", "b.csv")
    assert OwnValues.objects.count() == 3


def test_known_fields_are_proposed_again_by_name_for_any_source(cast: Cast, tmp_path: Path) -> None:
    bring(tmp_path, cast, FIRST)
    file = imports.receive(
        write(tmp_path, "number,SCORE,exited,Colour\n1,5,1,red\n", "c.csv"),
        "customers",
        cast.ada,
        from_source="x",
    )
    assert file.mapping == {"number": "number", "SCORE": "own_score", "exited": "own_exited", "Colour": ""}
    assert file.options["own"]["own_score"]["type"] == "whole"


def test_more_own_fields_than_there_may_be_are_refused_before_anything_goes_in(
    cast: Cast, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("customers.imports.own_fields.MOST_FIELDS", 3)
    with pytest.raises(
        imports.Refused, match="There may be 3 own fields; 0 are there and the file would bring 4"
    ):
        bring(tmp_path, cast, FIRST)
    assert not OwnField.objects.exists()
    assert not Customer.objects.exists()


def test_a_retired_field_is_not_proposed_and_one_of_another_type_is_not_written_over(
    cast: Cast, tmp_path: Path
) -> None:
    bring(tmp_path, cast, FIRST)
    OwnField.objects.filter(code="own_score").update(retired_at=dt.datetime(2024, 12, 1, tzinfo=dt.UTC))
    text = "number,Score,Exited\n1,9,yes\n"
    file = imports.receive(write(tmp_path, text, "c.csv"), "customers", cast.ada)
    assert file.mapping["Score"] == ""
    with pytest.raises(imports.Refused, match="The own field Credit score is retired"):
        imports.check(imports.remap(file, {"number": "number", "Score": "own_score"}, {}))
    file = imports.remap(file, {"number": "number", "Exited": "own_exited"}, {})
    OwnField.objects.filter(code="own_exited").update(type="choice")
    with pytest.raises(imports.Refused, match="Exited is of another type"):
        imports.check(file)


def test_a_file_of_many_own_fields_goes_in_at_once(cast: Cast, tmp_path: Path) -> None:
    names = [f"v{number}" for number in range(120)]
    own = {f"own_{name}": {"label": name, "type": "whole", "heading": name} for name in names}
    text = "number,name," + ",".join(names) + "\n1,Ann," + ",".join(map(str, range(120))) + "\n"
    file = imports.receive(
        write(tmp_path, text),
        "customers",
        cast.ada,
        mapped=dict(zip(names, own, strict=True)),
        options={"own": own},
    )
    imports.merge(imports.check(file))
    (row,) = OwnValues.objects.all()
    assert sorted(row.content.values()) == list(range(120))
    assert file.options["own_told"] == 1


def test_before_rows_go_in_it_is_said_of_how_many_an_own_field_changes(cast: Cast, tmp_path: Path) -> None:
    first = looked_at(tmp_path, cast, FIRST)
    assert first.options["expected"] == {"new": 3, "changed": 0}
    imports.merge(first)
    text = FIRST.replace("619", "620").replace("Gold", "Blue")
    again = looked_at(tmp_path, cast, text, "b.csv", day="2024-12-31")
    assert again.options["expected"] == {"new": 0, "changed": 2}
    same = looked_at(tmp_path, cast, FIRST + "\n", "c.csv", day="2024-12-31")
    assert same.options["expected"] == {"new": 0, "changed": 0}
