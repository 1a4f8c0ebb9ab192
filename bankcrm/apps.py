from django.apps import AppConfig


class BankcrmConfig(AppConfig):
    name = "bankcrm"
    verbose_name = "Platform"
