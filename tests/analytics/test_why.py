"""Why this score, this preference, this segment: asked by whoever may see the customer, made once by a worker, kept."""

from __future__ import annotations

import math

import pytest

from analytics import explanations, predictive, published, scoring, segment_fit, training, why_page
from analytics.modelling import segmentation
from analytics.models import Explanation, PredictiveModel, PreferenceAnswer, Score, ScoreRun, SegmentMember
from bankcrm import runs
from bankcrm.models import Run
from customers.models import Customer
from tests.analytics import bank, preference_bank, test_segments
from tests.cast import Cast, login

pytestmark = pytest.mark.django_db


def ritas(cast: Cast, up_to: int = 60) -> None:
    Customer.objects.filter(pk__lte=up_to).update(primary_rm=cast.rita, home_branch=cast.tree.n1)


def work(expected: str = Run.State.DONE) -> None:
    """Do what was asked last."""
    run = Run.objects.latest("pk")
    assert runs.execute(run.pk) == expected, Run.objects.get(pk=run.pk).error


def told(run: ScoreRun, customer: int) -> why_page.Told:
    explanations.make(run, Customer.objects.get(pk=customer))
    found = why_page.why(run, Customer.objects.get(pk=customer), run.version.model.owner, may_ask=True).told
    assert found is not None
    return found


def test_a_score_is_explained_on_demand_once_to_whoever_sees_the_customer_and_goes_with_its_rows(
    cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = scoring.score(bank.in_use(cast, monkeypatch, 900), None, cast.ana)
    ritas(cast)
    rita, asked = login(cast.rita), f"/models/of/7/scores/{run.pk}/why/"
    needs = rita.get("/models/of/7/preferences/").content.decode()
    assert 'hx-get="/models/of/7/scores/"' in needs
    panel = rita.get("/models/of/7/scores/").content.decode()
    for said in ("Fund response", "31 Oct", "decile", "Why this score?", asked):
        assert said in panel
    assert "Nobody has asked" in login(cast.aud).get(asked).content.decode()
    waiting = rita.post(asked).content.decode()
    assert f'hx-get="{asked}" hx-trigger="every 1s"' in waiting
    assert rita.post(asked).content.decode() == waiting
    assert Run.objects.filter(kind=why_page.WORK).count() == 1
    work()
    page = rita.get(asked, headers={"HX-Request": "true"}).content.decode()
    for said in ("in the middle of those learned from", "the score", "How it adds up"):
        assert said in page
    assert rita.post(asked, headers={"HX-Request": "true"}).content.decode() == page
    assert Run.objects.filter(kind=why_page.WORK).count() == 1
    answer = rita.get(f"/api/v1/customers/7/scores/{run.pk}/reasons/").json()
    assert answer["state"] == "told"
    total = answer["base"] + sum(part["contribution"] for part in answer["parts"])
    assert total == pytest.approx(answer["total"], abs=1e-4)
    kept = Score.objects.get(score_run=run, customer=7).probability
    assert 1 / (1 + math.exp(-answer["total"])) == pytest.approx(kept, abs=1e-5)
    assert {line["effect"] for line in answer["reasons"]} <= {"raises", "lowers"}
    for line in answer["reasons"]:
        assert (line["contribution"] > 0) == (line["effect"] == "raises")
    for client, status in ((login(cast.raj), 404), (login(cast.ada), 403)):
        assert client.get(asked).status_code == client.post(asked).status_code == status
        assert client.get(f"/api/v1/customers/7/scores/{run.pk}/reasons/").status_code == status
    assert login(cast.aud).get(asked).content.decode().count("How it adds up") == 1
    assert login(cast.aud).post(asked).status_code == 403
    assert rita.get(f"/models/of/7/scores/{run.pk + 1}/why/").status_code == 404
    published.drop(ScoreRun.objects.filter(pk=run.pk), Score._meta.db_table)
    assert not Explanation.objects.exists()
    assert rita.get(asked).status_code == 404


def test_the_api_asks_lists_and_says_what_is_under_way(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    run = scoring.score(bank.in_use(cast, monkeypatch, 900), None, cast.ana)
    ritas(cast)
    rita, address = login(cast.rita), f"/api/v1/customers/9/scores/{run.pk}/reasons/"
    (listed,) = rita.get("/api/v1/customers/9/scores/").json()
    assert (listed["score_run"], listed["model"], listed["why_not"]) == (run.pk, "fund-response", "")
    assert listed["probability"] == Score.objects.get(score_run=run, customer=9).probability
    assert rita.get(address).json()["state"] == "not_asked"
    started = rita.post(address, content_type="application/json")
    assert started.status_code == 202
    assert rita.get(address).json()["state"] == "working"
    # Whoever lost the customer before the worker came learns nothing.
    Customer.objects.filter(pk=9).update(primary_rm=cast.raj, home_branch=cast.tree.s1)
    work(Run.State.FAILED)
    assert not Explanation.objects.exists()
    assert rita.get(address).status_code == 404
    ritas(cast)
    again = rita.get(address).json()
    assert again["state"] == "refused"
    assert "not yours to see" in again["lack"]
    rita.post(address, content_type="application/json")
    work()
    done = rita.post(address, content_type="application/json")
    assert (done.status_code, done.json()["state"]) == (200, "told")


def test_a_rule_gives_its_points_and_a_customer_without_a_score_the_reason(cast: Cast) -> None:
    model = bank.make_model(cast, bank.make_history(120))
    predictive.promote(training.train(model, cast.ana)[0], cast.max)
    run = scoring.score(PredictiveModel.objects.get(pk=model.pk), None, cast.ana)
    found = told(run, 2)
    score = round(15 * Score.objects.get(score_run=run, customer=2).raw)
    assert found.lead == f"A rule, not a model: recency, frequency and value give {score} of 15 points."
    assert [line.field for line in found.lines] == ["last_transaction_on", "transactions_12m", "aum"]
    assert sum(round(5 * (line.share or 0)) for line in found.lines) == score
    assert "of 5 points" in found.lines[0].text
    bank.run_sql("INSERT INTO customers_customer (id, number, name) VALUES (999, 'C999', 'New')")
    Customer.objects.filter(pk=999).update(primary_rm=cast.rita, home_branch=cast.tree.n1)
    panel = login(cast.rita).get("/models/of/999/scores/").content.decode()
    assert "was not with us at the month-end of 31 Oct" in panel
    assert "Why this score?" not in panel
    assert "was not with us" in login(cast.rita).post(f"/models/of/999/scores/{run.pk}/why/").content.decode()
    assert not Run.objects.filter(kind=why_page.WORK).exists()
    bank.run_sql("DELETE FROM analytics_score WHERE customer_id = 3")
    with pytest.raises(runs.Refused, match="does not ask about this customer"):
        explanations.make(run, Customer.objects.get(pk=3))


def test_a_preference_says_what_speaks_for_it_and_what_was_bought_so_far(
    cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = scoring.score(preference_bank.in_use(cast, monkeypatch), None, cast.ana)
    row = PreferenceAnswer.objects.filter(score_run=run, answer="wealth").order_by("-chance")[0]
    found = told(run, row.customer_id)
    assert found.lead == "What speaks for Wealth management rather than Savings, the next likeliest"
    bought = found.lines[0].text
    assert bought.startswith("Wealth management: ")
    assert " of the last " in bought
    raising = [line for line in found.lines if line.effect == "raises"]
    assert raising[0].field == "demand_deposit"
    assert found.base is not None
    assert found.base + sum(value for _label, value in found.parts) == pytest.approx(found.total, abs=1e-4)
    assert found.total == pytest.approx(math.log((row.chance or 0) / (row.second_chance or 1)), abs=1e-3)
    ritas(cast, 2000)
    panel = login(cast.rita).get(f"/models/of/{row.customer_id}/preferences/").content.decode()
    assert "Why Wealth management?" in panel
    silent = PreferenceAnswer.objects.filter(score_run=run, answer="")[0].customer_id
    with pytest.raises(runs.Refused, match="fewer than 5 bookings"):
        explanations.make(run, Customer.objects.get(pk=silent))


def test_a_segment_says_which_two_traits_hold_the_customer_there(
    cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    few = {**segmentation.find_segments.__kwdefaults__, "resamples": 3, "candidates": (3, 4)}
    monkeypatch.setattr(segmentation.find_segments, "__kwdefaults__", few)
    test_segments.three_kinds(600)
    made = test_segments.used(cast)
    run = segment_fit.assign(made, None, cast.ana)
    ritas(cast, 600)
    rita = login(cast.rita)
    asked = f"/models/of/1/segments/{run.pk}/why/"
    assert asked in rita.get("/models/of/1/scores/").content.decode()
    rita.post(asked)
    work()
    page = rita.get(asked).content.decode()
    assert "Holds wealth management of ¥300,000; usual here is ¥300,000" in page
    answer = rita.get(f"/api/v1/customers/1/segments/{run.pk}/reasons/").json()
    assert {line["field"] for line in answer["reasons"]} == {"wealth_management", "demand_deposit"}
    assert sum(line["share"] for line in answer["reasons"]) <= 1.001
    (listed,) = rita.get("/api/v1/customers/1/segments/").json()
    assert listed["number"] == SegmentMember.objects.get(segment_run=run, customer=1).segment
    assert login(cast.raj).get(asked).status_code == 404
