"""A yes/no field of the bank's own is predicted from the others, by time where there is time, else said plainly."""

from __future__ import annotations

import datetime as dt
from typing import Any

import numpy as np
import pytest
from django.db import IntegrityError, transaction
from django.urls import reverse
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import cross_val_score

from analytics import card, labels, own_target, predictive, scoring, targets, training, verification
from analytics.forms import OwnFieldModelForm, own_outcomes
from analytics.models import PredictiveModel
from bankcrm import figures, runs
from customers.models import OwnField
from tests.analytics import bank
from tests.cast import Cast, login

pytestmark = pytest.mark.django_db

DAY = bank.LATEST
N = 2000
DEFINED = {"name": "Leavers", "code": "leavers", "outcome": "own_exited", "horizon_days": 60}


def own(code: str, kind: str, **more: Any) -> OwnField:
    label = code.removeprefix("own_").capitalize()
    return OwnField.objects.create(code=code, label=label, type=kind, heading=label, **more)


def load(fields: dict[OwnField, str], day: dt.date, file: int = 1, until: int = N) -> None:
    """One file of a day: SQL over the customer's number i for every field."""
    pairs = ", ".join(f"'{field.pk}', {expression}" for field, expression in fields.items())
    bank.run_sql(
        "INSERT INTO customers_ownvalues (customer_id, valid_from, brought_by, content)"
        f" SELECT i, %s, %s, jsonb_build_object({pairs}) FROM generate_series(1, %s) i",
        day,
        file,
        until,
    )


def noise(seed: int) -> str:
    return f"mod(abs(hashint8extended(i, {seed})), 1000)"


def leaves(seed: int) -> str:
    """The higher the age and the lower the products, the likelier; overlapping, so that nobody can know."""
    return f"({noise(1)} - 0.6 * {noise(2)} + {noise(seed)} > 800)"


def churn_file(monkeypatch: pytest.MonkeyPatch, until: int = N) -> dict[str, OwnField]:
    """A file of one day as other banks publish them: some figures, and who had left."""
    monkeypatch.setattr(training, "RESAMPLES", 50)
    bank.make_people(N)
    bank.make_profiles([DAY])
    fields = {
        "age": own("own_age", "whole"),
        "products": own("own_products", "whole"),
        "exited": own("own_exited", "flag"),
        "status": own("own_status", "choice", choices=["Existing", "Gone"]),
    }
    said = {
        fields["age"]: noise(1),
        fields["products"]: noise(2),
        fields["exited"]: leaves(3),
        fields["status"]: f"CASE WHEN {leaves(3)} THEN 'Gone' ELSE 'Existing' END",
    }
    load(said, DAY, until=until)
    return fields


def define(cast: Cast, **changes: Any) -> PredictiveModel:
    form = OwnFieldModelForm(
        DEFINED | {"features": ["own_age", "own_products", "aum"]} | changes, user=cast.ana
    )
    assert form.is_valid(), form.errors
    return predictive.define(cast.ana, **form.definition())


def test_a_file_of_one_day_ranks_near_the_plain_best_and_the_card_says_there_is_no_time(
    cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    churn_file(monkeypatch)
    model = define(cast)
    version = training.train(model, cast.ana)[0]
    data = own_target.dataset(model, DAY)
    plain = cross_val_score(
        LogisticRegression(max_iter=1000), data.X / 1000, data.y, cv=5, scoring="roc_auc"
    ).mean()
    assert not data.by_time
    assert len(data.y) == N
    assert version.card["metrics"]["auc"]["value"] > plain - 0.03 > 0.75
    told = " ".join(card.told(note) for note in version.card["notes"])
    assert f"All values of “Exited” are of {figures.day(DAY)}: there is no time to split by." in told
    parts = version.card["slices"]
    rates = [part["positives"] / part["n"] for part in parts.values()]
    assert max(rates) - min(rates) < 0.01
    assert sum(part["n"] for part in parts.values()) == N


def test_the_field_itself_is_never_learned_from(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    churn_file(monkeypatch)
    model = define(cast, features=["own_age", "own_exited"])
    assert [field.code for field in labels.learnable(model)] == ["own_age"]
    form = OwnFieldModelForm(DEFINED | {"code": "other", "features": ["own_exited"]}, user=cast.ana)
    assert list(form.errors) == ["features"]


def test_a_field_that_says_the_outcome_again_is_refused_by_name(
    cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    churn_file(monkeypatch)
    model = define(cast, features=["own_age", "own_status"])
    with pytest.raises(runs.Refused, match="Status"):
        training.train(model, cast.ana)


def test_a_word_of_a_choice_of_two_is_predicted(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    churn_file(monkeypatch)
    model = define(cast, outcome="own_status=Gone")
    assert targets.sentence(model) == "Of whom “Status” says “Gone”"
    data = own_target.dataset(model, DAY)
    flags = own_target.dataset(define(cast, code="flag"), DAY)
    assert np.array_equal(data.y, flags.y)
    assert 0 < data.y.sum() < N


def test_everybody_with_a_profile_is_scored_also_without_a_value(
    cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    churn_file(monkeypatch, until=1500)
    model = define(cast)
    versions = training.train(model, cast.ana)
    assert versions[0].card["n"] == 1500
    predictive.promote(versions[0], cast.max)
    run = scoring.score(PredictiveModel.objects.get(pk=model.pk), None, cast.ana)
    assert run.rows == N
    page = login(cast.ana).get(reverse("model-detail", args=[model.pk])).content.decode()
    assert "there is no time to split by" in page
    assert "Of whom “Exited” says yes" in page


def test_without_values_or_a_profile_after_them_nothing_is_trained(
    cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    fields = churn_file(monkeypatch, until=0)
    model = define(cast)
    with pytest.raises(runs.Refused, match="No customer has a value of “Exited”"):
        training.train(model, cast.ana)
    load({fields["exited"]: leaves(3)}, DAY + dt.timedelta(days=10))
    with pytest.raises(runs.Refused, match="Build the profile of a later month-end first"):
        training.train(model, cast.ana)


def test_too_few_of_one_kind_are_refused_and_no_rule_stands_in(
    cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    fields = churn_file(monkeypatch, until=0)
    model = define(cast)
    load({fields["age"]: noise(1), fields["exited"]: "i < 20"}, DAY)
    with pytest.raises(runs.Refused, match="at least 50"):
        training.train(model, cast.ana)
    assert not model.versions.exists()


def test_later_values_are_split_by_time_and_verified_only_of_whom_they_told(
    cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    fields = churn_file(monkeypatch, until=0)
    bank.make_profiles(bank.MONTHS)
    load({fields["age"]: noise(1), fields["products"]: noise(2)}, dt.date(2025, 1, 1))
    for number, month in enumerate(bank.MONTHS, start=10):
        load({fields["exited"]: leaves(number)}, month + dt.timedelta(days=20), file=number, until=1200)
    model = define(cast)
    version = training.train(model, cast.ana)[0]
    slices = version.card["slices"]
    assert slices["train"]["to"] < slices["out_of_time"]["from"]
    assert version.card["metrics"]["auc"]["value"] > 0.7
    predictive.promote(version, cast.max)
    model.refresh_from_db()
    found = verification.verify(scoring.score(model, bank.MONTHS[-1], cast.ana))
    assert found is not None
    assert sum(row.n for row in found.rows) == 1200
    # Nobody's field was told after the newest month-end: nothing to hold the scores against, rather than no leavers.
    bank.run_sql("DELETE FROM customers_ownvalues WHERE valid_from > '2026-08-31'")
    model.refresh_from_db()
    assert model.current_score_run is not None
    assert verification.verify(model.current_score_run) is None


def test_a_field_that_is_no_yes_or_no_cannot_be_predicted(cast: Cast) -> None:
    own("own_age", "whole")
    own("own_three", "choice", choices=["a", "b", "c"])
    form = OwnFieldModelForm(DEFINED | {"outcome": "own_age"}, user=cast.ana)
    assert list(form.errors) == ["outcome"]
    assert own_outcomes() == []


def test_the_page_defines_a_model_of_an_own_field(cast: Cast) -> None:
    own("own_exited", "flag")
    url = reverse("model-create") + "?kind=own"
    assert "Exited: yes" in login(cast.ana).get(url).content.decode()
    assert login(cast.ana).post(url, DEFINED).status_code == 302
    model = PredictiveModel.objects.get(code="leavers")
    assert (model.kind, model.target, model.own_field, model.own_value) == ("own", "own", "own_exited", "")


def test_the_database_wants_the_field_named(cast: Cast) -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        predictive.define(cast.ana, name="x", code="x", kind="own", target="own")
