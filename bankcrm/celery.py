"""The Celery application: it wakes workers; what there is to do stands in the database.

Tasks are declared with ``from bankcrm.celery import app`` and ``@app.task``.
"""

import os

from celery import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "bankcrm.settings")

app = Celery("bankcrm")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.set_default()
app.autodiscover_tasks()
