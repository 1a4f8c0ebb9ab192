"""Pages of models: who sees them, what they say, and what the buttons do."""

from __future__ import annotations

import pytest
from django.test import Client

from analytics import predictive, scoring, verifying
from analytics.models import ModelVersion, PredictiveModel, ScoreRun
from bankcrm.models import Run
from tests.analytics import bank
from tests.cast import Cast, login


@pytest.fixture
def model(cast: Cast) -> PredictiveModel:
    made = bank.make_model(cast, bank.make_product())
    bank.make_version(made, 1)
    return made


def test_the_page_of_a_model_in_use_shows_its_evidence(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    model = bank.in_use(cast, monkeypatch)
    scoring.score(model, bank.MONTHS[-1], cast.ana)
    assert "counted once a day" in login(cast.ana).get(f"/models/{model.pk}/verification/").content.decode()
    verifying.count(model, cast.ana)
    page = login(cast.max).get(f"/models/{model.pk}/").content.decode()
    auc = model.champion.card["metrics"]["auc"]
    beside = model.versions.get(number=2).card["against"][0]["metrics"]["auc"]
    for text in (
        "v1 champion",
        f"{auc['value']:.3f}",
        f"{beside['theirs_low']:.3f} to {beside['theirs_high']:.3f}",
        "Lift by decile",
        "Buyers found (gains)",
        "Calibration, v1",
        "Demand deposit",
        "Learned from",
        "what customers opened",
        "Promote v2",
        "no difference",
    ):
        assert text in page
    listed = login(cast.mei).get("/models/").content.decode()
    assert f"{auc['value']:.3f}" in listed
    assert "steady" in listed
    proof = login(cast.omar).get(f"/models/{model.pk}/verification/").content.decode()
    assert "Verification: predicted and actual, scores of 31 Aug, v1" in proof
    assert "O/E" in proof


def test_scores_whose_window_is_open_say_when_they_can_be_judged(cast: Cast, model: PredictiveModel) -> None:
    version = model.versions.get()
    ScoreRun.objects.create(version=version, as_of=bank.LATEST, state=ScoreRun.State.PUBLISHED)
    text = login(cast.ana).get(f"/models/{model.pk}/verification/").content.decode()
    assert "complete on Wed 30 Dec" in text


@pytest.mark.parametrize(
    ("name", "status"),
    [
        ("ana", 200),
        ("mei", 200),
        ("omar", 200),
        ("max", 200),
        ("aud", 200),
        ("rita", 403),
        ("bao", 403),
        ("ada", 403),
    ],
)
def test_analysts_planners_approvers_and_managers_read(
    cast: Cast, model: PredictiveModel, name: str, status: int
) -> None:
    client = login(getattr(cast, name))
    for url in (
        "/models/",
        f"/models/{model.pk}/",
        f"/models/{model.pk}/verification/",
        f"/models/{model.pk}/proof/",
        f"/models/{model.pk}/work/",
    ):
        assert client.get(url).status_code == status


@pytest.mark.parametrize("name", ["mei", "omar", "max", "aud", "rita"])
def test_only_analysts_train_score_and_define(cast: Cast, model: PredictiveModel, name: str) -> None:
    client = login(getattr(cast, name))
    for url in (f"/models/{model.pk}/train/", f"/models/{model.pk}/score/", "/models/new/"):
        assert client.post(url).status_code == 403
    assert not Run.objects.exists()
    assert "/train/" not in (client.get(f"/models/{model.pk}/").content.decode())


def test_an_unknown_model_is_not_found(cast: Cast) -> None:
    assert login(cast.ana).get("/models/4711/").status_code == 404


def test_a_model_without_versions_says_what_to_do(cast: Cast) -> None:
    model = bank.make_model(cast, bank.make_product())
    assert "Not trained yet" in login(cast.ana).get(f"/models/{model.pk}/").content.decode()


def test_training_starts_once_and_shows_its_progress(cast: Cast, model: PredictiveModel) -> None:
    client = login(cast.ana)
    for _ in range(2):
        assert client.post(f"/models/{model.pk}/train/").status_code == 302
    run = Run.objects.get(kind="analytics.train")
    assert (run.requested_by, run.arguments) == (cast.ana, {"model": model.pk})
    Run.objects.filter(pk=run.pk).update(
        state=Run.State.RUNNING, done=2, total=5, note="Fitting and calibrating"
    )
    assert "Fitting and calibrating" in login(cast.max).get(f"/models/{model.pk}/work/").content.decode()
    Run.objects.filter(pk=run.pk).update(state=Run.State.DONE)
    assert client.get(f"/models/{model.pk}/work/").headers["HX-Refresh"] == "true"


def test_scoring_starts(cast: Cast, model: PredictiveModel) -> None:
    login(cast.ana).post(f"/models/{model.pk}/score/")
    assert Run.objects.get(kind="analytics.score").key == f"model:{model.pk}"


def test_promotion_by_button_and_the_refusal_of_the_trainer(cast: Cast, model: PredictiveModel) -> None:
    url = f"/models/{model.pk}/versions/1/promote/"
    refused = login(cast.ana).post(url, follow=True).content.decode()
    assert "A second person promotes it." in refused
    assert not ModelVersion.objects.filter(state="champion").exists()
    assert "v1 is the champion" in login(cast.max).post(url, follow=True).content.decode()
    assert ModelVersion.objects.get(state="champion").promoted_by == cast.max
    assert login(cast.mei).post(url).status_code == 403


def test_rolling_back_by_button(cast: Cast, model: PredictiveModel) -> None:
    client: Client = login(cast.max)
    assert (
        "no earlier champion" in client.post(f"/models/{model.pk}/roll-back/", follow=True).content.decode()
    )
    for number in (1, 2):
        version = model.versions.filter(number=number).first() or bank.make_version(model, number)
        predictive.promote(version, cast.max)
    page = client.get(f"/models/{model.pk}/").content.decode()
    assert "Roll back to v1" in page
    client.post(f"/models/{model.pk}/roll-back/")
    assert ModelVersion.objects.get(state="champion").number == 1


def test_ana_defines_a_model(cast: Cast) -> None:
    product = bank.make_product()
    client = login(cast.ana)
    form = {
        "name": "Fund",
        "code": "fund",
        "product": product.pk,
        "horizon_days": 90,
        "features": ["aum", "age"],
    }
    done = client.post("/models/new/", form)
    model = PredictiveModel.objects.get()
    assert done.headers["Location"] == f"/models/{model.pk}/"
    assert (model.owner, model.horizon_days, model.features) == (cast.ana, 90, ["aum", "age"])


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"features": ["gender"]}, "Select a valid choice"),
        ({"horizon_days": 3}, "greater than or equal to 7"),
        ({"history_campaign": "nowhere"}, "No imported campaign of that code"),
        ({"code": "fund-response"}, "already exists"),
    ],
)
def test_a_definition_that_cannot_be_is_explained(
    cast: Cast, model: PredictiveModel, change: dict[str, object], error: str
) -> None:
    form = {"name": "Fund", "code": "fund", "product": model.product_id, "horizon_days": 90, **change}
    answer = login(cast.ana).post("/models/new/", form)
    assert answer.status_code == 422
    assert error in answer.content.decode()
    assert PredictiveModel.objects.count() == 1


def test_pages_read_no_artefact_and_a_fixed_number_of_queries(
    cast: Cast, model: PredictiveModel, django_assert_max_num_queries: pytest.FixtureRequest
) -> None:
    client = login(cast.max)
    for number in range(2, 12):
        bank.make_version(model, number, artefact=b"x" * 1000, card={"metrics": {}})
    with django_assert_max_num_queries(20) as seen:  # type: ignore[operator]  # pytest-django's callable
        client.get(f"/models/{model.pk}/")
    assert not [query for query in seen.captured_queries if '"artefact"' in query["sql"]]


def test_of_a_training_the_chosen_learner_waits_not_its_sibling(cast: Cast, model: PredictiveModel) -> None:
    predictive.promote(model.versions.get(), cast.max)
    chosen = bank.make_version(model, 2, card={"chosen": True, "metrics": {}})
    bank.make_version(model, 3, card={"chosen": False, "metrics": {}})
    versions = list(model.versions.order_by("-number"))
    current = PredictiveModel.objects.get(pk=model.pk)
    assert predictive.challenger_of(current, versions) == chosen
    predictive.promote(chosen, cast.max)
    current = PredictiveModel.objects.get(pk=model.pk)
    assert predictive.challenger_of(current, list(model.versions.order_by("-number"))).number == 3


def test_a_version_that_ranks_worse_says_so_before_it_is_promoted(cast: Cast, model: PredictiveModel) -> None:
    auc = {"value": -0.02, "low": -0.03, "high": -0.01, "theirs": 0.696}
    card = {
        "metrics": {"auc": {"value": 0.676, "low": 0.66, "high": 0.69}},
        "against": [{"version": 1, "metrics": {"auc": auc}}],
    }
    ModelVersion.objects.filter(model=model).delete()
    bank.make_version(model, 1, card={"metrics": card["metrics"]})
    bank.make_version(model, 2, card=card)
    page = login(cast.max).get(f"/models/{model.pk}/").content.decode()
    said = "v1 ranks better on the same later customers: AUC 0.696 against 0.676."
    assert page.count(said) == 2  # beside the button, and in what it asks


def test_the_list_says_what_waits_and_how_good_it_is_in_its_own_measure(
    cast: Cast, model: PredictiveModel
) -> None:
    version = model.versions.get()
    interval = {"value": 0.741, "low": 0.683, "high": 0.799}
    cards: list[tuple[dict[str, object], list[str]]] = [
        ({"metrics": {"auc": interval}}, ["AUC", "0.741", "0.683 to 0.799"]),
        (
            {"preference": {"metrics": {"accuracy": interval, "base_accuracy": {"value": 0.65}}}},
            ["came true", "74\u00a0%", "68\u00a0% to 80\u00a0%", "the commonest for everybody 65\u00a0%"],
        ),
        ({"uplift": {"evidence": {"qini": interval}}}, ["Qini", "0.7410", "0.6830 to 0.7990"]),
    ]
    for card, words in cards:
        ModelVersion.objects.filter(pk=version.pk).update(card=card)
        listed = login(cast.mei).get("/models/").content.decode()
        for text in ("v1 waits for promotion", "of v1", *words):
            assert text in listed
    ModelVersion.objects.filter(pk=version.pk).update(card={"objection": {"template": "Chance."}})
    assert "v1 is no use, train anew" in login(cast.mei).get("/models/").content.decode()
    ModelVersion.objects.all().delete()
    assert "not trained yet" in login(cast.mei).get("/models/").content.decode()


def test_days_on_the_card_are_written_as_days(cast: Cast, model: PredictiveModel) -> None:
    version = model.versions.get()
    part = {"from": "2019-07-31", "to": "2019-08-31", "n": 400, "positives": 30}
    ModelVersion.objects.filter(pk=version.pk).update(card={"slices": {"out_of_time": part}})
    page = login(cast.ana).get(f"/models/{model.pk}/").content.decode()
    assert "31 Jul 2019 to 31 Aug 2019, n = 400, positive 30" in page
    assert "out of time to 31 Aug 2019, n = 400, 30 positive" in page
