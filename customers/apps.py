from django.apps import AppConfig


class CustomersConfig(AppConfig):
    name = "customers"

    def ready(self) -> None:
        from bankcrm import freshness
        from customers import profile, ties

        freshness.sources.append(profile.freshness)
        ties.declare()
