"""Which model ranks the customers of a product: uplift where it earned that, otherwise response."""

from __future__ import annotations

from analytics.models import PredictiveModel
from customers.models import Product


def ranking_for(product: Product) -> PredictiveModel | None:
    """The model a new campaign for the product begins with; None where none has scores in use."""
    usable = PredictiveModel.objects.for_targeting().filter(
        product=product, current_score_run__isnull=False, history_campaign=""
    )
    found = list(usable.order_by("pk"))
    return min(found, key=lambda model: model.kind != PredictiveModel.Kind.UPLIFT, default=None)
