"""Routes of planners and approvers."""

from django.utils.translation import gettext_lazy as _

from bankcrm import policy
from bankcrm.models import Role
from campaigns import audience_views
from campaigns.campaign_views import acts, contact_rules, lists, offers, page, plans, universal
from campaigns.contact_rules import MAKERS as RULE_MAKERS
from campaigns.lifecycle import PLANNERS
from campaigns.offering import AUDIENCE_MAKERS
from campaigns.universal import MAKERS

READERS = {Role.PLANNER, Role.APPROVER, Role.MANAGER, Role.ANALYST, Role.BRANCH_MANAGER}
RULE_READERS = READERS | {Role.ADMINISTRATOR}
# Head office: a branch that knew who is in it might sell to the others only.
UNIVERSAL_READERS = {Role.PLANNER, Role.APPROVER, Role.MANAGER, Role.ANALYST}
# Whoever may do anything to a campaign; which act in which state is the lifecycle's business.
ACTORS = {Role.PLANNER, Role.APPROVER, Role.MANAGER}

urlpatterns = [
    policy.route("campaigns/", lists.campaign_list, name="campaign-list", read=READERS),
    policy.route(
        "campaigns/new/", lists.campaign_create, name="campaign-create", read=PLANNERS, write=PLANNERS
    ),
    policy.route("campaigns/<int:pk>/", page.campaign_detail, name="campaign-detail", read=READERS),
    policy.route("campaigns/<int:pk>/rail/", page.campaign_rail, name="campaign-rail", read=READERS),
    policy.route("campaigns/<int:pk>/history/", page.campaign_history, name="campaign-history", read=READERS),
    policy.route("campaigns/<int:pk>/work/", acts.campaign_work, name="campaign-work", read=READERS),
    policy.route("campaigns/<int:pk>/why/", page.campaign_why, name="campaign-why", read=READERS, asks=True),
    policy.route(
        "campaigns/<int:pk>/cards/<slug:card>/",
        page.campaign_card,
        name="campaign-card",
        read=READERS,
        write=PLANNERS,
    ),
    policy.route(
        "campaigns/<int:pk>/audience/",
        audience_views.audience_edit,
        name="audience-edit",
        read=READERS,
        write=PLANNERS,
    ),
    policy.route(
        "campaigns/<int:pk>/audience/card/", audience_views.audience_card, name="audience-card", read=READERS
    ),
    policy.route(
        "campaigns/<int:pk>/audience/preview/",
        audience_views.audience_preview,
        name="audience-preview",
        read=READERS,
    ),
    policy.route(
        "campaigns/<int:pk>/do/<slug:action>/",
        acts.campaign_act,
        name="campaign-act",
        read=policy.NOBODY,
        write=ACTORS,
    ),
    policy.route("approvals/", lists.approval_list, name="approval-list", read={Role.APPROVER}),
    policy.route("approvals/<int:pk>/", lists.approval_detail, name="approval-detail", read=ACTORS),
    policy.route("audiences/", audience_views.audience_list, name="audience-list", read=READERS),
    policy.route(
        "audiences/new/",
        audience_views.audience_create,
        name="audience-create",
        read=AUDIENCE_MAKERS,
        write=AUDIENCE_MAKERS,
    ),
    policy.route(
        "audiences/<int:pk>/",
        audience_views.audience_detail,
        name="audience-detail",
        read=READERS,
        write=AUDIENCE_MAKERS,
    ),
    policy.route("offers/", offers.offer_list, name="offer-list", read=READERS),
    policy.route("offers/new/", offers.offer_create, name="offer-create", read=PLANNERS, write=PLANNERS),
    policy.route("offers/<int:pk>/", offers.offer_edit, name="offer-edit", read=READERS, write=PLANNERS),
    policy.route("plans/", plans.plan_list, name="plan-list", read=READERS),
    policy.route("plans/new/", plans.plan_create, name="plan-create", read=PLANNERS, write=PLANNERS),
    policy.route("plans/<int:pk>/", plans.plan_detail, name="plan-detail", read=READERS),
    policy.route("plans/<int:pk>/edit/", plans.plan_edit, name="plan-edit", read=PLANNERS, write=PLANNERS),
    policy.route(
        "plans/<int:pk>/targets/", plans.plan_targets, name="plan-targets", read=PLANNERS, write=PLANNERS
    ),
    policy.route("plans/<int:pk>/targets/sheet/", plans.plan_sheet, name="plan-sheet", read=READERS),
    policy.route(
        "plans/<int:pk>/targets/file/", plans.plan_file_in, name="plan-file", read=PLANNERS, write=PLANNERS
    ),
    policy.route("contact-policy/", contact_rules.rule_list, name="contact-rule-list", read=RULE_READERS),
    policy.route(
        "contact-policy/new/<slug:kind>/",
        contact_rules.rule_create,
        name="contact-rule-create",
        read=RULE_MAKERS,
        write=RULE_MAKERS,
    ),
    policy.route(
        "contact-policy/<int:pk>/set/",
        contact_rules.rule_set,
        name="contact-rule-set",
        read=policy.NOBODY,
        write=RULE_MAKERS,
    ),
    policy.route(
        "universal-control/", universal.universal_list, name="universal-list", read=UNIVERSAL_READERS
    ),
    policy.route(
        "universal-control/new/",
        universal.universal_create,
        name="universal-create",
        read=MAKERS,
        write=MAKERS,
    ),
    policy.route(
        "universal-control/outlook/", universal.universal_outlook, name="universal-outlook", read=MAKERS
    ),
    policy.route(
        "universal-control/work/", universal.universal_work, name="universal-work", read=UNIVERSAL_READERS
    ),
    policy.route(
        "universal-control/<int:pk>/",
        universal.universal_detail,
        name="universal-detail",
        read=UNIVERSAL_READERS,
    ),
    policy.route(
        "universal-control/<int:pk>/end/",
        universal.universal_end,
        name="universal-end",
        read=policy.NOBODY,
        write=MAKERS,
    ),
]
policy.navigation(_("Campaigns"), "speakerphone", "campaign-list", "/campaigns/", order=15)
policy.navigation(_("Approvals"), "inbox", "approval-list", "/approvals/", order=12)
policy.navigation(_("Plans"), "calendar-event", "plan-list", "/plans/", order=16)
policy.navigation(_("Audiences"), "filter", "audience-list", "/audiences/", order=17)
policy.navigation(_("Offers"), "gift", "offer-list", "/offers/", order=18)
policy.navigation(_("Universal control"), "hand-stop", "universal-list", "/universal-control/", order=20)
policy.navigation(_("Contact policy"), "shield-check", "contact-rule-list", "/contact-policy/", order=19)
