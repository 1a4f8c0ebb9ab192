"""A file that is in already is said to be, with its day where the bank is."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest

from customers.models import ImportFile
from tests.cast import Cast, login
from tests.customers.import_page_steps import bring_in, filled, upload

pytestmark = pytest.mark.django_db


def test_the_day_a_file_came_in_is_the_banks_own(cast: Cast, tmp_path: Path, settings) -> None:
    settings.MEDIA_ROOT = tmp_path / "media"
    settings.TIME_ZONE = "Asia/Shanghai"
    client, data = login(cast.ana), b"number,name\nC1,A\nC2,B\n"
    page = upload(client, data)
    bring_in(client, page, filled(page))
    ImportFile.objects.update(merged_at=dt.datetime(2024, 3, 31, 17, tzinfo=dt.UTC))
    told = [str(said) for said in upload(client, data).context["messages"]]
    assert told == ["This very file is in already, since 1 Apr 2024. Nothing was changed."]
