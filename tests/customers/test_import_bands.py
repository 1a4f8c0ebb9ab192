"""A band of amounts is proposed with the figure that stands for it; a number in a form nobody reads never is."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest

from customers.imports import bands, sampling
from customers.imports.kinds import KINDS
from customers.models import Customer
from tests.cast import Cast, login
from tests.customers.import_page_steps import bring_in, filled, upload
from tests.customers.imports_world import rejects

BANDS = {
    "$60K - $80K": 70000,
    "60-80K": 70000,
    "$120K +": 120000,
    "Less than $40K": 20000,
    "20,000-40,000": 30000,
    "1万-3万": 20000,
    "3000元以下": 1500,
    "5万以上": 50000,
    "5 to 10": 7.5,
    "10+ years": 10,
    "< 1 year": 0.5,
    "36 months": 36,
}
NO_BANDS = (
    *("1e9", "1.5E-05", "$1e9", "1e5-2e5", "0x1F", "Infinity", "NaN"),
    *("(1,234.50)", "-500", "−500", "500-", "1,234.50 CR", "1 234,50", "1'234", "1.234,50", "1,23", "12.5%"),
    *("2024-01", "2024-01-31", "1:30", "80K - 60K"),
)


def test_bands_stand_for_their_middle() -> None:
    assert {band: bands.middle_of(band) for band in BANDS} == {
        band: Decimal(str(figure)) for band, figure in BANDS.items()
    }


def test_a_number_written_in_another_way_is_no_band() -> None:
    assert {cell: bands.middle_of(cell) for cell in NO_BANDS} == dict.fromkeys(NO_BANDS)


def test_the_figure_has_no_more_places_than_the_field() -> None:
    days = KINDS["consumer_finance"].target("overdue_days")
    assert bands.figure_of("Late (31-120 days)", days) == 76
    assert bands.figure_of("1001-1004", KINDS["customers"].target("monthly_income")) == Decimal("1002.5")


@pytest.mark.django_db
def test_an_exponent_in_an_income_is_rejected_with_its_reason(cast: Cast, tmp_path: Path, settings) -> None:
    settings.MEDIA_ROOT = tmp_path / "media"
    client = login(cast.ana)
    rows = "C1,A,8000\nC2,B,1e9\nC3,C,(500)\n"
    page = upload(client, f"number,name,月收入(元)\n{rows}".encode())
    assert page.context["unsaid"] == 2  # said on the page before anybody saves it
    file = bring_in(client, page, filled(page))
    assert rejects(file) == [(3, "月收入(元)", "not_a_number"), (4, "月收入(元)", "negative")]
    assert Customer.objects.get().monthly_income == 8000


def test_numbers_with_a_decimal_comma_are_no_words() -> None:
    column = sampling.columns(["Betrag"], [["1.000,00"], ["6.176,90"], ["1.000,00"]])[0]
    assert column.odd_numbers() == []
