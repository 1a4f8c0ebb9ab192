"""A new month-end brings its own scores and segments, once each, and in the owner's name."""

from __future__ import annotations

import pytest

from analytics import schedule, segment_fit, segments
from analytics.models import PredictiveModel, Segmentation
from bankcrm import runs
from bankcrm.models import Run
from customers.models import CustomerProfile
from tests.analytics import bank, test_segments
from tests.cast import Cast

pytestmark = pytest.mark.django_db


def test_a_new_month_is_scored_once_and_in_the_owners_name(
    cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = bank.in_use(cast, monkeypatch)
    assert not schedule.due_models().exists()
    PredictiveModel.objects.filter(pk=model.pk).update(monthly=True)
    assert schedule.ask_for_due() == 1
    assert schedule.ask_for_due() == 1  # the same unfinished run
    run = Run.objects.get(kind="analytics.score")
    assert run.requested_by is None
    assert runs.execute(run.pk) == Run.State.DONE
    assert not schedule.due_models().exists()
    assert PredictiveModel.objects.get(pk=model.pk).current_score_run is not None


def test_a_new_month_gives_customers_their_segments(cast: Cast) -> None:
    test_segments.three_kinds()
    CustomerProfile.objects.filter(month=test_segments.OCTOBER).delete()
    made = segments.define(cast.ana, code="who", name="Who", features=test_segments.FIELDS)
    segments.use(segment_fit.find(made, cast.ana), cast.ana)
    segment_fit.assign(made, None, cast.ana)
    assert not schedule.due_segmentations().exists()
    bank.run_sql(
        "INSERT INTO customers_customerprofile (month, customer_id, demand_deposit)"
        " SELECT DATE '2026-10-31', customer_id, 5 FROM customers_customerprofile"
    )
    assert list(schedule.due_segmentations()) == [made]
    Segmentation.objects.update(monthly=False)
    assert schedule.ask_for_due() == 0
