"""Imports by program: every operation, and the refusal beside it."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from bankcrm import clock, runs
from bankcrm.models import AuditEvent, IdempotencyKey, Run
from customers.models import Customer, Holding, ImportFile
from tests.api.callers import Caller, problem
from tests.cast import Cast
from tests.customers.imports_world import product

pytestmark = pytest.mark.django_db
ROWS = b"number,name,children,shoe\nC1,Wang,2,41\nC2,Li,many,42\nC3,Han,1,43\n"
MEANS = {"number": "number", "name": "name", "children": "children"}


@pytest.fixture(autouse=True)
def own_files(tmp_path: Path, settings) -> None:
    settings.MEDIA_ROOT = tmp_path / "media"
    clock.set_day(dt.date(2026, 11, 25))


def send(caller: Caller, data: bytes = ROWS, key: str = "", **more: Any):
    headers = caller.headers | ({"Idempotency-Key": key} if key else {})
    body = {"kind": "customers", "file": SimpleUploadedFile("clients.csv", data), **more}
    return caller.client.post("/api/v1/imports/", body, headers=headers)


def work() -> Run:
    run = Run.objects.filter(state=Run.State.QUEUED).get()
    assert runs.execute(run.pk) == Run.State.DONE, Run.objects.get(pk=run.pk).error
    return run


def checked(caller: Caller, data: bytes = ROWS, **more: Any) -> int:
    pk = send(caller, data, **more).json()["id"]
    assert caller.send("put", f"imports/{pk}/mapping/", {"mapping": MEANS}).status_code == 200
    assert caller.post(f"imports/{pk}/check/").status_code == 202
    work()
    return int(pk)


def merged(caller: Caller, data: bytes = ROWS, **more: Any) -> int:
    pk = checked(caller, data, **more)
    assert caller.post(f"imports/{pk}/confirm/").status_code == 202
    work()
    return pk


def test_a_program_brings_a_file_from_upload_to_undo(cast: Cast) -> None:
    ana = Caller(cast.ana)
    answer = send(ana, source="core")
    assert answer.status_code == 201, answer.content
    body = answer.json()
    assert answer["Location"] == f"/api/v1/imports/{body['id']}/"
    assert (body["state"], body["source"], body["columns"][0]) == ("uploaded", "core", "number")
    pk = body["id"]
    proposed = ana.get(f"imports/{pk}/mapping/").json()
    assert {column["column"]: column["means"] for column in proposed["columns"]}["children"] == "children"
    assert {"name": "number", "label": "Customer number", "type": "text", "required": True} in proposed[
        "targets"
    ]
    told = ana.send("put", f"imports/{pk}/mapping/", {"mapping": MEANS}).json()
    assert (told["objection"], told["columns"][3]) == ("", {"column": "shoe", "means": ""})
    started = ana.post(f"imports/{pk}/check/")
    assert started.status_code == 202
    assert started["Location"].endswith(f"/api/v1/runs/{work().pk}/")
    report = ana.get(f"imports/{pk}/report/").json()
    assert (report["rows"], report["accepted"], report["rejected"]) == (3, 2, 1)
    assert report["expected"] == {"new": 2, "changed": 0, "unchanged": 0}
    assert ana.get(f"imports/{pk}/").json()["expected"] == report["expected"]
    assert (report["reasons"][0]["code"], report["reasons"][0]["examples"][0]["line"]) == ("not_a_number", 3)
    assert ana.post(f"imports/{pk}/confirm/").status_code == 202
    work()
    done = ana.get(f"imports/{pk}/").json()
    assert (done["state"], done["inserted"], done["may_undo"]) == ("merged", 2, True)
    assert ana.get(f"imports/{pk}/undo/").json() == {
        "allowed": True,
        "objection": "",
        "standing": [],
        "removes": 2,
        "restores": 0,
        "reopens": 0,
    }
    assert ana.post(f"imports/{pk}/undo/").status_code == 202
    work()
    assert ana.get(f"imports/{pk}/").json()["state"] == "undone"
    assert not Customer.objects.exists()


def test_the_same_file_again_is_the_answer_and_not_a_second_import(cast: Cast) -> None:
    ana = Caller(cast.ana)
    pk = merged(ana)
    again = send(ana)
    assert (again.status_code, again.json()["id"], again.json()["state"]) == (200, pk, "merged")
    assert ImportFile.objects.count() == 1


def test_a_repeated_upload_gets_its_first_answer_and_another_file_under_its_key_is_refused(
    cast: Cast,
) -> None:
    ana = Caller(cast.ana)
    first = send(ana, key="k1")
    again = send(ana, key="k1")
    assert (again.status_code, again.json()["id"]) == (201, first.json()["id"])
    assert again["Idempotency-Replayed"] == "true"
    problem(send(ana, ROWS + b"C9,Mo,,\n", key="k1"), 409, "key_reused")
    assert ImportFile.objects.count() == 1


def test_what_is_no_file_of_a_kind_for_this_role_is_refused_and_leaves_nothing(cast: Cast) -> None:
    ana = Caller(cast.ana)
    problem(send(ana, b""), 422, "refused")
    problem(send(ana, kind="staff"), 403, "forbidden")
    problem(send(ana, kind="weather"), 400, "invalid")
    problem(send(Caller(cast.mei)), 403, "forbidden")
    problem(send(Caller(cast.aud)), 403, "forbidden")
    problem(ana.post("imports/", {"kind": "customers"}), 415, "unsupported_media_type")
    problem(send(ana, load="full"), 422, "refused")
    assert not ImportFile.objects.exists()


def test_files_are_listed_for_those_who_may_see_them_and_narrowed_by_source(cast: Cast) -> None:
    ana, ada = Caller(cast.ana), Caller(cast.ada)
    send(ana, source="core")
    send(ada, ROWS + b"C9,Mo,,\n", source="cards")
    assert [file["source"] for file in ada.get("imports/").json()["results"]] == ["cards", "core"]
    assert [file["source"] for file in ana.get("imports/").json()["results"]] == ["core"]
    assert [file["source"] for file in ada.get("imports/", source="core").json()["results"]] == ["core"]
    problem(ada.get("imports/", state="lost"), 400, "invalid")
    problem(Caller(cast.rita).get("imports/"), 403, "forbidden")


def test_a_file_out_of_sight_is_not_there(cast: Cast) -> None:
    pk = send(Caller(cast.ada)).json()["id"]
    ana = Caller(cast.ana)
    for part in ("", "mapping/", "report/", "rejects/", "rejects.csv", "undo/"):
        assert ana.get(f"imports/{pk}/{part}").status_code == 404, part
    for part in ("check/", "confirm/", "undo/"):
        problem(ana.post(f"imports/{pk}/{part}"), 404, "not_found")
    problem(ana.patch(f"imports/{pk}/", {"source": "x"}), 404, "not_found")
    problem(ana.send("put", f"imports/{pk}/mapping/", {"mapping": {}}), 404, "not_found")


def test_the_load_is_told_until_rows_are_in(cast: Cast) -> None:
    ana = Caller(cast.ana)
    pk = send(ana).json()["id"]
    answer = ana.patch(f"imports/{pk}/", {"source": "core", "load": "full", "effective_on": "2026-10-31"})
    assert (answer.json()["load"], answer.json()["effective_on"]) == ("full", "2026-10-31")
    problem(ana.patch(f"imports/{pk}/", {"load": "half"}), 400, "invalid")
    problem(ana.patch(f"imports/{pk}/", {"state": "merged"}), 400, "invalid")
    pk = merged(ana, ROWS + b"C9,Mo,,\n")
    problem(ana.patch(f"imports/{pk}/", {"source": "cards"}), 422, "refused")


def test_a_mapping_without_what_is_required_is_refused_and_names_it(cast: Cast) -> None:
    ana = Caller(cast.ana)
    pk = send(ana).json()["id"]
    refused = problem(
        ana.send("put", f"imports/{pk}/mapping/", {"mapping": {"name": "name"}}), 422, "refused"
    )
    assert "Customer number" in refused["detail"]
    problem(ana.send("put", f"imports/{pk}/mapping/", {"mapping": {"wings": "name"}}), 422, "refused")
    problem(ana.send("put", f"imports/{pk}/mapping/", {"mapping": MEANS, "colour": "red"}), 400, "invalid")


def test_nothing_is_checked_twice_and_nothing_unchecked_goes_in(cast: Cast) -> None:
    ana = Caller(cast.ana)
    pk = send(ana).json()["id"]
    problem(ana.post(f"imports/{pk}/confirm/"), 422, "refused")
    pk = merged(ana)
    problem(ana.post(f"imports/{pk}/check/"), 422, "refused")
    problem(ana.post(f"imports/{pk}/confirm/"), 422, "refused")


def test_while_a_step_is_under_way_nothing_else_begins(cast: Cast) -> None:
    ana = Caller(cast.ana)
    pk = checked(ana)
    assert ana.post(f"imports/{pk}/check/").status_code == 202
    problem(ana.post(f"imports/{pk}/confirm/"), 409, "conflict")
    problem(ana.patch(f"imports/{pk}/", {"source": "x"}), 409, "conflict")
    problem(ana.send("put", f"imports/{pk}/mapping/", {"mapping": MEANS}), 409, "conflict")


def test_rejects_come_by_page_and_as_a_file_on_record(cast: Cast) -> None:
    ana = Caller(cast.ana)
    pk = checked(ana, ROWS + b"C4,,x,\nC5,Mo,y,\n")
    page = ana.get(f"imports/{pk}/rejects/", page_size=1).json()
    assert [(row["line"], row["code"]) for row in page["results"]] == [(3, "not_a_number")]
    assert page["next"]
    only = ana.get(f"imports/{pk}/rejects/", code="not_a_number").json()["results"]
    assert [row["line"] for row in only] == [3, 5, 6]
    answer = ana.get(f"imports/{pk}/rejects.csv")
    text = b"".join(answer.streaming_content).decode("utf-8-sig")
    assert "“many” is not a number." in text
    assert text.count("is not a number.") == 3
    assert AuditEvent.objects.filter(action="import.rejects_downloaded", actor=cast.ana).exists()
    problem(Caller(cast.mei).get(f"imports/{pk}/rejects/"), 403, "forbidden")


def test_missing_rows_of_a_full_load_are_confirmed_by_number(cast: Cast) -> None:
    ana = Caller(cast.ana)
    merged(ana, source="core")
    pk = checked(ana, b"number,name,children\nC1,Wang,2\n", source="core", load="full")
    assert ana.get(f"imports/{pk}/report/").json()["missing"] == 1
    assert ana.get(f"imports/{pk}/").json()["known"] == 2
    for word in ({}, {"missing": "close"}, {"missing": "close", "agreed": 2}):
        problem(ana.post(f"imports/{pk}/confirm/", word), 422, "refused")
    problem(ana.post(f"imports/{pk}/confirm/", {"missing": "burn"}), 400, "invalid")
    assert ana.post(f"imports/{pk}/confirm/", {"missing": "close", "agreed": 1}).status_code == 202
    work()
    assert Customer.objects.get(closed_on__isnull=False).number == "C3"


def test_undo_is_refused_with_what_stands_on_the_rows(cast: Cast) -> None:
    ana = Caller(cast.ana)
    pk = merged(ana)
    Holding.objects.create(
        number="H1", customer=Customer.objects.first(), product=product(), opened_on=dt.date(2026, 1, 1)
    )
    told = ana.get(f"imports/{pk}/undo/").json()
    assert (told["allowed"], told["standing"]) == (False, [{"label": "holdings", "rows": 1}])
    assert "holdings: 1" in problem(ana.post(f"imports/{pk}/undo/"), 422, "refused")["detail"]
    problem(Caller(cast.aud).post(f"imports/{pk}/undo/"), 403, "forbidden")
    assert not Run.objects.filter(state=Run.State.QUEUED).exists()


def test_a_step_asked_for_twice_under_one_key_is_one_run(cast: Cast) -> None:
    ana = Caller(cast.ana)
    pk = checked(ana)
    first = ana.post(f"imports/{pk}/confirm/", key="go")
    again = ana.post(f"imports/{pk}/confirm/", key="go")
    assert (again.status_code, again.json()["run"]) == (202, first.json()["run"])
    assert IdempotencyKey.objects.filter(key="go").count() == 1


def test_a_column_is_kept_as_an_own_field_and_read_back_with_the_customer(cast: Cast) -> None:
    ana = Caller(cast.ana)
    pk = send(ana).json()["id"]
    told = {"mapping": MEANS | {"shoe": "own_shoe"}}
    refused = ana.send("put", f"imports/{pk}/mapping/", told)
    assert "Nothing is called own_shoe here." in problem(refused, 422, "refused")["detail"]
    shoe = {"label": "Shoe size", "type": "whole", "personal": "none"}
    for code, wrong in (("own_Shoe", shoe), ("shoe", shoe), ("own_shoe", shoe | {"type": "list"})):
        body = told | {"own": {code: wrong}}
        assert ana.send("put", f"imports/{pk}/mapping/", body).status_code == 400
    answer = ana.send("put", f"imports/{pk}/mapping/", told | {"own": {"own_shoe": shoe}})
    assert answer.status_code == 200, answer.content
    assert answer.json()["own"]["own_shoe"]["heading"] == "shoe"
    ana.post(f"imports/{pk}/check/")
    work()
    ana.post(f"imports/{pk}/confirm/")
    work()
    wang = Customer.objects.get(number="C1")
    assert ana.get(f"customers/{wang.pk}/").json()["own_fields"] == {"own_shoe": 41}
    entry = {one["code"]: one for one in ana.get("customer-fields/").json()}["own_shoe"]
    assert (entry["label"], entry["origin"], entry["personal"]) == ("Shoe size", "own", "none")
