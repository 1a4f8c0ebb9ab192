"""Segments: found where they are stable and refused where not, named by people, followed from month to month."""

from __future__ import annotations

import datetime as dt
from typing import Any

import numpy as np
import pytest
from django.core.exceptions import PermissionDenied
from django.db import connection, transaction

from analytics import audience, segment_fit, segment_page, segments
from analytics.modelling import segmentation as modelling
from analytics.models import Audience, Segment, Segmentation, SegmentationVersion, SegmentMember, SegmentRun
from bankcrm import runs
from bankcrm.models import Run
from customers import tiering
from tests import facts
from tests.analytics import bank
from tests.cast import Cast, login

pytestmark = pytest.mark.django_db
SEPTEMBER, OCTOBER = dt.date(2026, 9, 30), dt.date(2026, 10, 31)
FIELDS = ["demand_deposit", "wealth_management", "transactions_12m"]
RICH = {"all": [{"field": "wealth_management", "op": "at_least", "value": 50_000}]}


@pytest.fixture(autouse=True)
def few_draws(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(modelling.find_segments, "__kwdefaults__", {
        **modelling.find_segments.__kwdefaults__, "resamples": 3, "candidates": (3, 4),
    })  # fmt: skip


def three_kinds(n: int = 900, months: tuple[dt.date, ...] = (SEPTEMBER, OCTOBER)) -> None:
    """Thirds of savers, investors and busy payers, far apart."""
    bank.make_people(n)
    bank.make_profiles(months)
    bank.run_sql(
        "UPDATE customers_customerprofile SET"
        " demand_deposit = CASE customer_id %% 3 WHEN 0 THEN 50000 ELSE 100 END + customer_id %% 17,"
        " wealth_management = CASE customer_id %% 3 WHEN 1 THEN 300000 ELSE 0 END + 0 * customer_id,"
        " transactions_12m = CASE customer_id %% 3 WHEN 2 THEN 400 ELSE 10 END + (customer_id %% 7)::int"
        " WHERE %s",
        True,
    )


def define(cast: Cast, **changes: object) -> Segmentation:
    values = {"code": "who", "name": "Who they are", "features": FIELDS}
    return segments.define(cast.ana, **(values | changes))


def used(cast: Cast) -> Segmentation:
    made = define(cast)
    segments.use(segment_fit.find(made, cast.ana, SEPTEMBER), cast.ana)
    segment_fit.assign(made, SEPTEMBER, cast.ana)
    return Segmentation.objects.select_related("current_run__version", "in_use").get(pk=made.pk)


def test_planted_kinds_of_customers_are_found_and_everybody_gets_a_segment(cast: Cast) -> None:
    three_kinds()
    made = used(cast)
    version = made.in_use
    assert version is not None
    assert (version.method, version.card["k"]) == ("clusters", 3)
    by_kind: dict[int, set[int]] = {}
    for customer, segment in SegmentMember.objects.values_list("customer_id", "segment"):
        by_kind.setdefault(customer % 3, set()).add(segment)
    assert sorted(len(found) for found in by_kind.values()) == [1, 1, 1]
    assert set.union(*by_kind.values()) == {1, 2, 3}
    assert list(Segment.objects.values_list("number", flat=True)) == [1, 2, 3]


def test_a_looked_for_version_changes_nothing_until_it_is_put_to_use(cast: Cast) -> None:
    three_kinds()
    made = define(cast)
    version = segment_fit.find(made, cast.ana)
    assert version.state == "tried"
    with pytest.raises(runs.Refused, match="No version is in use"):
        segment_fit.assign(made, None, cast.ana)
    with pytest.raises(PermissionDenied):
        segments.use(version, cast.max)
    segments.use(version, cast.ana)
    with pytest.raises(segments.Refused, match="already"):
        segments.use(version, cast.ana)


def test_without_stable_segments_activity_by_tier_stands_in_and_says_so(
    cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    three_kinds()
    monkeypatch.setattr(modelling, "LEAST_STABILITY", 2.0)
    made = define(cast)
    version = segment_fit.find(made, cast.ana)
    assert (version.method, version.artefact) == ("baseline", None)
    assert "no stable segments" in segment_page.notes(version)[0]["text"]
    segments.use(version, cast.ana)
    run = segment_fit.assign(made, None, cast.ana)
    assert run.rows == 900
    made.refresh_from_db()
    titles = [row["title"] for row in segment_page.sizes(made, run)]
    assert any(title.startswith("Active") for title in titles)


def test_a_second_fit_keeps_the_numbers_and_the_names(cast: Cast) -> None:
    three_kinds()
    made = used(cast)
    for segment in Segment.objects.filter(segmentation=made):
        segments.rename(segment, cast.ana, f"Named {segment.number}", "")
    before = dict(SegmentMember.objects.values_list("customer_id", "segment"))
    again = segment_fit.find(made, cast.ana, OCTOBER)
    assert "v2 waits to be put to use" in login(cast.mei).get("/segments/").content.decode()
    assert again.card["matching"]["retained"] == 1
    segments.use(again, cast.ana)
    run = segment_fit.assign(made, OCTOBER, cast.ana)
    assert dict(run.members.values_list("customer_id", "segment")) == before
    assert {segment.name for segment in Segment.objects.all()} == {"Named 1", "Named 2", "Named 3"}


def test_movement_counts_who_went_where_who_came_and_who_left(cast: Cast) -> None:
    three_kinds()
    made = used(cast)
    bank.run_sql(
        "UPDATE customers_customerprofile SET wealth_management = 300000, demand_deposit = 100,"
        " transactions_12m = 10 WHERE month = %s AND customer_id IN (3, 6)",
        OCTOBER,
    )
    bank.run_sql("DELETE FROM customers_customerprofile WHERE month = %s AND customer_id = 9", OCTOBER)
    segment_fit.assign(made, OCTOBER, cast.ana)
    made = Segmentation.objects.select_related("current_run__version").get(pk=made.pk)
    found = segment_page.movement(made.current_run)
    assert found is not None
    members = {row["number"]: row for row in segment_page.sizes(made, made.current_run, found)}
    went = [(pair, n) for pair, n in found["cells"].items() if pair[0] and pair[1] and pair[0] != pair[1]]
    assert [n for _pair, n in went] == [2]
    saver, investor = went[0][0]
    assert found["cells"][saver, 0] == 1
    assert (members[saver]["change"], members[investor]["change"]) == ("−3", "+2")
    assert found["stayed"] == pytest.approx(897 / 899)
    assert [note["level"] for note in segment_page.watch(made, found)][-1] == "ok"
    unsettled = segment_page.watch(made, {"stayed": 0.79, "both": 899})[-1]
    assert (unsettled["level"], unsettled["text"][:2]) == ("warn", "79")


def test_many_segments_move_in_a_table_that_can_be_read(cast: Cast) -> None:
    three_kinds()
    made = used(cast)
    # Ten segments, the higher the number the larger; 11 went from each of the two smallest to the other, 5 came to 1.
    cells = {(key, key): 100 * key for key in range(1, 11)} | {(1, 2): 11, (2, 1): 11, (0, 1): 5, (10, 0): 3}
    told = segment_page.moves(made, {"cells": cells, "both": 5522, "stayed": 5500 / 5522, "earlier": None})
    assert told is not None
    assert told["columns"] == [*(f"Segment {key}" for key in range(4, 11)), "3 smaller segments", "Left"]
    others, new = told["rows"][-2:]
    assert [cell["n"] for cell in others["cells"]][-2:] == [622, 0]
    assert not any(cell["stays"] for cell in others["cells"])
    assert (new["label"], [cell["n"] for cell in new["cells"]][-2]) == ("New customers", 5)
    assert sum(row["total"] for row in told["rows"]) == sum(cells.values())


def test_fields_that_moved_ask_for_a_new_search(cast: Cast) -> None:
    three_kinds()
    made = used(cast)
    bank.run_sql(
        "UPDATE customers_customerprofile SET transactions_12m = transactions_12m + 5000 WHERE month = %s",
        OCTOBER,
    )
    run = segment_fit.assign(made, OCTOBER, cast.ana)
    made = Segmentation.objects.select_related("current_run__version").get(pk=made.pk)
    assert (run.moved_field, run.psi is not None and run.psi > 0.25) == ("transactions_12m", True)
    assert segment_page.watch(made)[0]["level"] == "warn"


def test_rules_decide_in_their_order_and_leave_everybody_else(cast: Cast) -> None:
    three_kinds()
    Audience.objects.create(name="Rich", owner=cast.ana, condition=RICH)
    busy = {"all": [{"field": "transactions_12m", "op": "at_least", "value": 0}]}
    Audience.objects.create(name="Busy", owner=cast.ana, condition=busy)
    client = login(cast.ana)
    ids = {audience.name: audience.pk for audience in Audience.objects.all()}
    form = {"name": "By hand", "code": "hand", "rule_1": ids["Rich"], "rule_2": ids["Rich"]}
    refused = client.post("/segments/new/?kind=rules", form)
    assert refused.status_code == 422
    assert "further up already" in refused.content.decode()
    client.post("/segments/new/?kind=rules", form | {"rule_2": ids["Busy"]})
    made = Segmentation.objects.get()
    run = segment_fit.assign(made, OCTOBER, cast.ana)
    assert segment_page.members(run) == {1: 300, 2: 600}
    assert [row["title"] for row in segment_page.sizes(made, run)] == ["Rich", "Busy"]


def test_a_changed_artefact_assigns_nobody(cast: Cast) -> None:
    three_kinds()
    made = used(cast)
    SegmentationVersion.objects.update(artefact=b"something else")
    with pytest.raises(runs.Refused, match="sha256"):
        segment_fit.assign(made, OCTOBER, cast.ana)
    made.refresh_from_db()
    assert made.current_run is not None
    assert made.current_run.as_of == SEPTEMBER


def test_a_field_that_disappeared_is_named_and_the_last_segments_stay(
    cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    three_kinds()
    made = used(cast)
    read = segment_fit.features.chunks

    def without_transactions(*asked: Any) -> Any:
        for batch in read(*asked):
            batch.X[:, [spec.name for spec in asked[1]].index("transactions_12m")] = np.nan
            yield batch

    monkeypatch.setattr(segment_fit.features, "chunks", without_transactions)
    with pytest.raises(runs.Refused, match="transactions_12m"):
        segment_fit.assign(made, OCTOBER, cast.ana)
    made.refresh_from_db()
    assert made.current_run is not None
    assert made.current_run.as_of == SEPTEMBER


def test_an_assignment_that_dies_while_writing_leaves_the_old_segments(
    cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    three_kinds()
    made = used(cast)

    def dies(*_: object) -> int:
        raise RuntimeError("the worker died")

    monkeypatch.setattr(segment_fit.bulk, "copy_columns", dies)
    with pytest.raises(RuntimeError), transaction.atomic():
        segment_fit.assign(made, OCTOBER, cast.ana)
    made.refresh_from_db()
    assert made.current_run is not None
    assert made.current_run.as_of == SEPTEMBER
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(DISTINCT segment_run_id) FROM analytics_segmentmember")
        assert cursor.fetchone()[0] == 1


def test_a_name_is_a_persons_and_taken_once(cast: Cast) -> None:
    three_kinds()
    made = used(cast)
    client = login(cast.ana)
    client.post(f"/segments/{made.pk}/1/", {"name": "Savers", "description": "Money on demand"})
    refused = client.post(f"/segments/{made.pk}/2/", {"name": "Savers", "description": ""})
    assert (refused.status_code, "Another segment has this name" in refused.content.decode()) == (422, True)
    assert login(cast.mei).post(f"/segments/{made.pk}/2/", {"name": "Mine"}).status_code == 403
    page = client.get(f"/segments/{made.pk}/").content.decode()
    assert "Savers" in page
    assert "Money on demand" in page


def test_the_page_shows_evidence_and_starts_work_once(cast: Cast) -> None:
    three_kinds()
    made = used(cast)
    client = login(cast.ana)
    page = client.get(f"/segments/{made.pk}/").content.decode()
    assert "How many segments" in page
    assert "Profile: trait by segment" in page
    client.post(f"/segments/{made.pk}/find/")
    client.post(f"/segments/{made.pk}/find/")
    assert Run.objects.filter(kind="analytics.segments.find").count() == 1
    assert "waiting for a worker" in client.get(f"/segments/{made.pk}/work/").content.decode()
    assert client.get("/segments/").status_code == 200
    assert SegmentRun.objects.count() == 1


def test_an_audience_may_ask_for_a_segment(cast: Cast) -> None:
    three_kinds()
    made = used(cast)
    segments.rename(Segment.objects.get(segmentation=made, number=2), cast.ana, "Savers", "")
    inside = {"all": [{"field": "segment:who/2", "op": "is"}]}
    outside = {"all": [{"field": "segment:who/2", "op": "is_not"}]}
    bank.run_sql("DELETE FROM analytics_segmentmember WHERE customer_id IN (1, 2, 3)")
    counted = [audience.count(condition, OCTOBER, cast.max) for condition in (inside, outside)]
    assert counted == [299, 601]
    assert audience.describe(inside) == "in segment “Who they are: Savers”"
    assert audience.describe(outside) == "not in segment “Who they are: Savers”"


@pytest.mark.parametrize(
    ("subject", "fault"),
    [
        ("who/9", "no segment who/9"),
        ("other/1", "no segment other/1"),
        ("who", "no segment who"),
        ("who/1'; DROP TABLE x", "no segment who/1'; DROP TABLE x"),
    ],
)
def test_a_segment_that_is_none_is_named(cast: Cast, subject: str, fault: str) -> None:
    three_kinds()
    used(cast)
    assert fault in audience.validate({"all": [{"field": f"segment:{subject}", "op": "is"}]})[0]


def test_a_segment_is_not_asked_of_the_past(cast: Cast) -> None:
    three_kinds()
    used(cast)
    assert audience.faults_of_fields({"all": [{"field": "segment:who/1", "op": "is"}]})


def test_months_are_drawn_from_sizes_kept_and_moves_between_any_two_can_be_asked_for(cast: Cast) -> None:
    three_kinds()
    made = used(cast)
    first = made.current_run
    bank.run_sql(
        "UPDATE customers_customerprofile SET wealth_management = 300000, demand_deposit = 100,"
        " transactions_12m = 10 WHERE month = %s AND customer_id IN (3, 6)",
        OCTOBER,
    )
    second = segment_fit.assign(made, OCTOBER, cast.ana)
    assert second.sizes == {str(key): n for key, n in segment_page.members(second).items()}
    client, page = login(cast.ana), f"/segments/{made.pk}/"
    shown = client.get(page).context
    months = shown["sizes_by_month"]
    assert [row[0] for row in months.rows] == ["30 Sep", "31 Oct"]
    drawn = months.option["dataset"]["source"]
    assert sorted(value for value in drawn[1][1:]) == sorted(n / 900 for n in second.sizes.values())
    asked = client.get(page, {"from": second.pk, "to": first.pk}).context
    assert (asked["before"], asked["after"]) == (first, second)
    told = [[link["value"], asked["movement"].rows[link["cell"][0]][link["cell"][1]].split()[0]]
            for link in asked["movement"].option["series"][0]["links"]]  # fmt: skip
    assert sorted(n for n, _text in told) == [2, 298, 300, 300]
    assert all(str(n) == text for n, text in told)
    assert client.get(page, {"from": 999}).status_code == 404
    beside = shown["baselines"]
    cells = made.in_use.card["baseline"]["cells"]
    assert [sum(row) for row in cells] == [300, 300, 300]
    assert len(beside.rows) == len(made.in_use.card["baseline"]["tiers"] or [""]) + 4
    assert [row[-1] for row in beside.rows][-4:] == [
        f"{sum(sum(row[at * len(row) // 4 : (at + 1) * len(row) // 4]) for row in cells) / 9:.0f}\u00a0%"
        for at in range(4)
    ]
    profile = shown["profile"]
    assert profile.headers[-1] == "All customers"
    assert {row[0] for row in profile.rows} == {
        "Demand deposit",
        "Wealth management",
        "Transactions, 12 months",
    }


def test_eight_segments_are_counted_beside_every_activity_and_tier(cast: Cast) -> None:
    facts.make_tiers()
    width = 4 * len(tiering.names_at(OCTOBER))
    labels, baseline = np.repeat(np.arange(8, dtype=np.int8), width), np.tile(np.arange(width), 8)
    told = segment_fit._beside_baseline(baseline, labels, 8, OCTOBER)
    assert told["baseline"]["cells"] == [[1] * width] * 8
