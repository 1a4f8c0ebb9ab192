"""Routes of the API of campaigns and leads."""

from bankcrm import policy
from bankcrm.models import Role
from campaigns import lifecycle
from campaigns.api import campaigns, evaluation, leads
from campaigns.campaign_urls import READERS
from campaigns.queue import WORKING_ROLES

STEPS: dict[str, type[campaigns.CampaignStep]] = {
    "select": campaigns.Select,
    "submit": campaigns.Submit,
    "withdraw": campaigns.Withdraw,
    "approve": campaigns.Approve,
    "send_back": campaigns.SendBack,
    "push": campaigns.Push,
    "recall": campaigns.Recall,
    "cancel": campaigns.Cancel,
    "close": campaigns.Close,
}
LEAD_STEPS: dict[str, type[campaigns.CampaignStep]] = {
    "claim": leads.LeadClaim,
    "release": leads.LeadRelease,
    "outcomes": leads.LeadOutcomes,
    "snooze": leads.LeadSnooze,
}

urlpatterns = [
    policy.route(
        "api/v1/campaigns/",
        campaigns.CampaignList.as_view(),
        name="api-campaign-list",
        read=READERS,
        write={Role.PLANNER},
    ),
    policy.route(
        "api/v1/campaigns/<int:pk>/",
        campaigns.CampaignDetail.as_view(),
        name="api-campaign-detail",
        read=READERS,
        write={Role.PLANNER},
    ),
    *(
        policy.route(
            f"api/v1/campaigns/<int:pk>/{action.replace('_', '-')}/",
            view.as_view(),
            name=f"api-campaign-{action.replace('_', '-')}",
            read=policy.NOBODY,
            write=lifecycle.ACTIONS[action].roles,
        )
        for action, view in STEPS.items()
    ),
    policy.route(
        "api/v1/campaigns/<int:pk>/evaluation/",
        evaluation.CampaignEvaluation.as_view(),
        name="api-campaign-evaluation",
        read=READERS,
    ),
    policy.route("api/v1/leads/", leads.LeadList.as_view(), name="api-lead-list", read=WORKING_ROLES),
    policy.route(
        "api/v1/leads/<int:pk>/", leads.LeadDetail.as_view(), name="api-lead-detail", read=WORKING_ROLES
    ),
    *(
        policy.route(
            f"api/v1/leads/<int:pk>/{step}/",
            view.as_view(),
            name=f"api-lead-{step}",
            read=policy.NOBODY,
            write=WORKING_ROLES,
        )
        for step, view in LEAD_STEPS.items()
    ),
    policy.route(
        "api/v1/leads/<int:pk>/outcomes/<int:outcome>/undo/",
        leads.OutcomeUndo.as_view(),
        name="api-outcome-undo",
        read=policy.NOBODY,
        write=WORKING_ROLES,
    ),
]
