"""Routes of acquisition: the cohort page, the customers behind it, its file."""

from django.urls import URLPattern
from django.utils.translation import gettext_lazy as _

from bankcrm import policy
from bankcrm.models import Role
from customers import acquisition_views
from customers.api import acquisition as api

READERS = {Role.BRANCH_MANAGER, Role.PLANNER, Role.MANAGER, Role.ANALYST}

urlpatterns: list[URLPattern] = [
    policy.route("acquisition/", acquisition_views.cohorts, name="acquisition", read=READERS),
    policy.route(
        "acquisition/customers/", acquisition_views.customers, name="acquisition-customers", read=READERS
    ),
    policy.route(
        "acquisition/cohorts.csv", acquisition_views.cohort_file, name="acquisition-csv", read=READERS
    ),
    policy.route("api/v1/acquisition/", api.Cohorts.as_view(), name="api-acquisition", read=READERS),
]

policy.navigation(_("Acquisition"), "user-plus", "acquisition", "/acquisition/", order=35)
