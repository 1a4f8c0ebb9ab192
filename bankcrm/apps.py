from django.apps import AppConfig
from django.utils.module_loading import autodiscover_modules


class BankcrmConfig(AppConfig):
    name = "bankcrm"
    verbose_name = "Platform"

    def ready(self) -> None:
        # Whoever starts work must know its kinds, the web process as much as the worker.
        autodiscover_modules("tasks")

        from bankcrm import freshness, run_views

        freshness.bells.append(run_views.bell)
