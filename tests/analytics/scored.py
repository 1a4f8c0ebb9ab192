"""A hundred customers with published scores whose window is over, and what they then bought."""

from __future__ import annotations

import datetime as dt

from analytics.models import ModelVersion, PredictiveModel, ScoreRun
from tests.analytics import bank
from tests.cast import Cast

AS_OF = bank.MONTHS[-1]


def hundred(cast: Cast) -> ScoreRun:
    """Scored at the end of August by a champion, ten a decile: predicted 0.5 in the best tenth, 0.1 in the others."""
    bank.make_people(100)
    bank.make_profiles([AS_OF, bank.LATEST])
    model = bank.make_model(cast, bank.make_product())
    version = bank.make_version(model, 1)
    ModelVersion.objects.filter(pk=version.pk).update(state=ModelVersion.State.CHAMPION)
    PredictiveModel.objects.filter(pk=model.pk).update(champion=version)
    version.model.refresh_from_db()
    made = ScoreRun.objects.create(version=version, as_of=AS_OF, state=ScoreRun.State.PUBLISHED)
    ScoreRun.objects.filter(pk=made.pk).update(published_at=dt.datetime(2026, 9, 1, tzinfo=dt.UTC))
    bank.run_sql(
        f"CREATE TABLE analytics_score_{made.pk} PARTITION OF analytics_score FOR VALUES IN ({made.pk})"
    )
    bank.run_sql(
        "INSERT INTO analytics_score (score_run_id, customer_id, raw, probability, decile)"
        " SELECT %s, i, -i, CASE WHEN i <= 10 THEN 0.5 ELSE 0.1 END, 1 + (i - 1) / 10 FROM generate_series(1, 100) i",
        made.pk,
    )
    return made


def buy(run: ScoreRun, customers: list[int], after_days: int = 30) -> None:
    """These customers open the model's product so many days after the scores."""
    bank.run_sql(
        "INSERT INTO customers_holding (number, customer_id, product_id, opened_on)"
        " SELECT 'B' || i || '-' || %s, i, %s, %s FROM unnest(%s::int[]) i",
        after_days,
        run.version.model.product_id,
        AS_OF + dt.timedelta(days=after_days),
        customers,
    )
