from django.apps import AppConfig


class AnalyticsConfig(AppConfig):
    name = "analytics"

    def ready(self) -> None:
        from analytics import predictive
        from bankcrm import freshness
        from customers import attitude, preferences
        from customers.imports import undo

        undo.derived("analytics.ProspectScore", "prospect_id")
        freshness.sources.append(predictive.freshness)
        attitude.filled_by(predictive.churn_chances)
        preferences.filled_by(predictive.preference_answers)
