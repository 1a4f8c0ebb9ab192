from django.apps import AppConfig


class AnalyticsConfig(AppConfig):
    name = "analytics"

    def ready(self) -> None:
        from analytics import predictive, prospects, watch
        from bankcrm import freshness
        from customers import attitude, imports, preferences
        from customers.imports import undo

        undo.derived("analytics.ProspectScore", "prospect_id")
        undo.derived("analytics.Explanation", "customer_id")
        imports.on_completion("prospects", imports.Completion(lambda _file: "", prospects.page_of))
        freshness.sources.append(predictive.freshness)
        freshness.bells.append(watch.bell)
        freshness.notice_boards.append(watch.notices)
        attitude.filled_by(predictive.churn_chances)
        preferences.filled_by(predictive.preference_answers)
