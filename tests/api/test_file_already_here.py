"""A file that is here already: the answer where the same is told of it, a refusal that says what differs where not."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from customers.models import ImportFile
from tests.api.callers import problem

pytestmark = pytest.mark.django_db
FILE = b"number,name\nC1,Li\n"


@pytest.fixture
def send(cast, api, settings, tmp_path) -> Any:
    settings.MEDIA_ROOT = tmp_path

    def send(**told: Any) -> Any:
        body = {"kind": "customers", "file": SimpleUploadedFile("c.csv", FILE), **told}
        caller = api(cast.ana)
        return caller.client.post("/api/v1/imports/", body, headers=caller.headers)

    return send


def test_the_same_file_told_the_same_is_the_answer(send) -> None:
    first = send(source="core", load="full", effective_on="2026-10-31")
    assert first.status_code == 201
    for told in ({}, {"source": "core", "load": "full", "effective_on": "2026-10-31"}, {"load": "full"}):
        again = send(**told)
        assert (again.status_code, again.json()["id"]) == (200, first.json()["id"])


def test_a_full_load_without_a_source_is_refused_and_kept_nowhere(send) -> None:
    problem(send(load="full"), 422, "refused")
    assert not ImportFile.objects.exists()


@pytest.mark.parametrize(
    ("told", "differs"),
    [
        ({"load": "full"}, "another load."),
        ({"load": "full", "source": "cards"}, "another source, load."),
        ({"effective_on": "2026-09-30"}, "another effective_on."),
        ({"encoding": "gb18030"}, "another encoding."),
    ],
)
def test_another_load_of_the_same_file_is_refused_and_says_what_differs(send, told, differs) -> None:
    first = send(source="core").json()
    answer = send(**told)
    problem(answer, 409, "conflict")
    assert f"import {first['id']}" in answer.json()["detail"]
    assert differs in answer.json()["detail"]
