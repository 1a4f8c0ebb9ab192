"""Which model ranks the customers of a product, by what it ranks them, and why not by something better."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from analytics import card
from analytics.models import ModelVersion, PredictiveModel, ScoreRun
from customers.models import Product

Kind = PredictiveModel.Kind
UPLIFT, BY_TIER, RULE, RESPONSE = "uplift", "response_by_tier", "rule", "response"
SENTENCES = {
    UPLIFT: gettext_lazy(
        "Ranked by expected value: the gain in chance from being contacted (uplift) × margin − cost of a contact."
    ),
    BY_TIER: gettext_lazy(
        "Ranked by expected value: chance to respond × the effect measured in the customer's tier, × margin − cost of a"
        " contact. It stands in for uplift."
    ),
    RULE: gettext_lazy(
        "Ranked by a rule score (recency, frequency, value), not by a model: too few have bought for one to be learned."
        " The same base rate stands in for everybody's chance."
    ),
    RESPONSE: gettext_lazy("Ranked by expected value: calibrated probability × margin − cost of a contact."),
}


def ranking_for(product: Product) -> PredictiveModel | None:
    """The model a new campaign for the product begins with: uplift where it earned that, otherwise response."""
    usable = PredictiveModel.objects.for_targeting().filter(
        product=product, current_score_run__isnull=False, history_campaign=""
    )
    found = list(usable.order_by("pk"))
    return min(found, key=lambda model: model.kind != Kind.UPLIFT, default=None)


def by(version: ModelVersion) -> str:
    """What the scores of a version are: UPLIFT, BY_TIER, RULE or RESPONSE; "" for uplift that was not proven."""
    if version.algorithm == ModelVersion.Algorithm.RULE:
        return RULE
    if version.model.kind != Kind.UPLIFT:
        return RESPONSE
    use = version.card.get("uplift", {}).get("use")
    return {"uplift": UPLIFT, "response_by_segment": BY_TIER}.get(use, "")


def basis(score_run: ScoreRun) -> dict[str, Any]:
    """What a selection by these scores keeps of them: {"by", "why"}; ``why`` as a card keeps sentences, or None.

    ``why`` is the gate's word on uplift: why it ranks, or why it does not where a model of it was trained.
    """
    version = score_run.version
    found: dict[str, Any] = {"by": by(version), "why": None}
    if version.model.kind == Kind.UPLIFT:
        found["why"] = version.card.get("uplift", {}).get("sentence")
    elif version.model.product_id and version.model.kind == Kind.RESPONSE:
        found["why"] = _not_uplift(version.model.product_id)
    return found


def _not_uplift(product_id: int) -> dict[str, Any] | None:
    """What the newest version of the product's uplift model says of itself where it may not rank."""
    tried = ModelVersion.objects.filter(model__kind=Kind.UPLIFT, model__product=product_id).defer("artefact")
    newest = tried.order_by("-trained_at", "-pk").first()
    if newest is None or newest.card.get("uplift", {}).get("use") in PredictiveModel.UPLIFT_USES:
        return None
    told: dict[str, Any] | None = newest.card.get("uplift", {}).get("sentence")
    return told


def sentence(kept: Mapping[str, Any]) -> str:
    """How customers were ranked, in words, from what ``basis`` gave."""
    text = str(SENTENCES[kept.get("by") or RESPONSE])
    return f"{text} {card.told(kept['why'])}" if kept.get("why") else text


def refusal(score_run: ScoreRun) -> str:
    """Why these scores may not choose customers; "" when they may. A later version of uplift may have failed."""
    if by(score_run.version):
        return ""
    return _("“%(model)s” has not proved its uplift. Rank by the response model of the product instead.") % {
        "model": score_run.version.model.name
    }
