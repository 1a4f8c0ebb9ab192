from django.apps import AppConfig


class AnalyticsConfig(AppConfig):
    name = "analytics"

    def ready(self) -> None:
        from analytics import predictive
        from bankcrm import freshness

        freshness.sources.append(predictive.freshness)
