"""Routes of evaluation reports."""

from django.utils.translation import gettext_lazy as _

from bankcrm import policy
from campaigns import evaluation_views as views
from campaigns.campaign_urls import READERS
from campaigns.evaluation import EVALUATORS

urlpatterns = [
    policy.route("evaluations/", views.report_list, name="evaluation-list", read=READERS),
    policy.route("campaigns/<int:pk>/evaluation/", views.report, name="evaluation-report", read=READERS),
    policy.route(
        "campaigns/<int:pk>/evaluation/match/",
        views.match,
        name="evaluation-match",
        read=(),
        write=EVALUATORS,
    ),
    policy.route(
        "campaigns/<int:pk>/evaluation/freeze/",
        views.freeze,
        name="evaluation-freeze",
        read=(),
        write=EVALUATORS,
    ),
]
policy.navigation(_("Results"), "chart-bar", "evaluation-list", "/evaluations/", order=50)
