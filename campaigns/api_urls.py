"""Routes of the API of campaigns and leads."""

from bankcrm import policy
from bankcrm.models import Role
from campaigns import lifecycle
from campaigns.api import campaigns, evaluation, leads, planning
from campaigns.campaign_urls import READERS, RULE_READERS, UNIVERSAL_READERS
from campaigns.contact_rules import MAKERS as RULE_MAKERS
from campaigns.queue import WORKING_ROLES
from campaigns.universal import MAKERS

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
    policy.route(
        "api/v1/plans/",
        planning.PlanList.as_view(),
        name="api-plan-list",
        read=READERS,
        write=lifecycle.PLANNERS,
    ),
    policy.route(
        "api/v1/plans/<int:pk>/",
        planning.PlanDetail.as_view(),
        name="api-plan-detail",
        read=READERS,
        write=lifecycle.PLANNERS,
    ),
    policy.route(
        "api/v1/plans/<int:pk>/targets/",
        planning.PlanTargetList.as_view(),
        name="api-plan-targets",
        read=READERS,
        write=lifecycle.PLANNERS,
    ),
    policy.route(
        "api/v1/contact-rules/",
        planning.ContactRuleList.as_view(),
        name="api-contact-rule-list",
        read=RULE_READERS,
        write=RULE_MAKERS,
    ),
    policy.route(
        "api/v1/contact-rules/<int:pk>/",
        planning.ContactRuleDetail.as_view(),
        name="api-contact-rule-detail",
        read=policy.NOBODY,
        write=RULE_MAKERS,
    ),
    policy.route(
        "api/v1/universal-controls/",
        planning.UniversalList.as_view(),
        name="api-universal-list",
        read=UNIVERSAL_READERS,
        write=MAKERS,
    ),
    policy.route(
        "api/v1/universal-controls/<int:pk>/",
        planning.UniversalDetail.as_view(),
        name="api-universal-detail",
        read=UNIVERSAL_READERS,
    ),
    policy.route(
        "api/v1/universal-controls/<int:pk>/end/",
        planning.UniversalEnd.as_view(),
        name="api-universal-end",
        read=policy.NOBODY,
        write=MAKERS,
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
