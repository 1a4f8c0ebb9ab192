from django.apps import AppConfig


class CustomersConfig(AppConfig):
    name = "customers"

    def ready(self) -> None:
        from bankcrm import freshness
        from customers import profile

        freshness.sources.append(profile.freshness)
