"""Routes of whoever works on leads, and of the team board."""

from django.utils.translation import gettext_lazy as _

from bankcrm import policy
from bankcrm.models import Role
from campaigns.lead_views import lists, pages, team
from campaigns.queue import WORKING_ROLES

TEAM_READERS = {Role.BRANCH_MANAGER, Role.MANAGER}
CALLERS = {Role.RM}
MOVERS = {Role.BRANCH_MANAGER}
# Everybody with customers sees their leads on the 360 page; rows are cut by visible_to.
CUSTOMER_READERS = {Role.RM, Role.BRANCH_MANAGER, Role.PLANNER, Role.MANAGER}

urlpatterns = [
    policy.route("my-day/", lists.my_day, name="my-day", read=CALLERS),
    policy.route("leads/", lists.lead_list, name="lead-list", read=WORKING_ROLES),
    policy.route("leads/next/", pages.lead_next, name="lead-next", read=WORKING_ROLES),
    policy.route("leads/<int:pk>/", pages.lead_detail, name="lead-detail", read=WORKING_ROLES),
    policy.route(
        "leads/<int:pk>/claim/", pages.lead_claim, name="lead-claim", read=policy.NOBODY, write=WORKING_ROLES
    ),
    policy.route(
        "leads/<int:pk>/release/",
        pages.lead_release,
        name="lead-release",
        read=policy.NOBODY,
        write=WORKING_ROLES,
    ),
    policy.route(
        "leads/<int:pk>/outcome/",
        pages.lead_outcome,
        name="lead-outcome",
        read=policy.NOBODY,
        write=WORKING_ROLES,
    ),
    policy.route(
        "leads/<int:pk>/note/", pages.lead_note, name="lead-note", read=policy.NOBODY, write=WORKING_ROLES
    ),
    policy.route(
        "leads/notes/<int:pk>/undo/",
        pages.note_undo,
        name="note-undo",
        read=policy.NOBODY,
        write=WORKING_ROLES,
    ),
    policy.route(
        "leads/<int:pk>/snooze/",
        pages.lead_snooze,
        name="lead-snooze",
        read=policy.NOBODY,
        write=WORKING_ROLES,
    ),
    policy.route(
        "leads/<int:pk>/call/", pages.lead_call, name="lead-call", read=policy.NOBODY, write=WORKING_ROLES
    ),
    policy.route(
        "follow-ups/<int:pk>/undo/",
        pages.follow_up_undo,
        name="follow-up-undo",
        read=policy.NOBODY,
        write=WORKING_ROLES,
    ),
    policy.route(
        "leads/snoozes/<int:pk>/undo/",
        pages.snooze_undo,
        name="snooze-undo",
        read=policy.NOBODY,
        write=WORKING_ROLES,
    ),
    policy.route("calendar/", lists.calendar, name="lead-calendar", read=CALLERS),
    policy.route("my-results/", lists.my_results, name="my-results", read=CALLERS),
    policy.route("leads/of/<int:pk>/", lists.customer_leads, name="customer-leads", read=CUSTOMER_READERS),
    policy.route("team/", team.team_board, name="team-board", read=TEAM_READERS),
    policy.route("team/move/preview/", team.team_move_preview, name="team-move-preview", read=MOVERS),
    policy.route("team/move/", team.team_move, name="team-move", read=policy.NOBODY, write=MOVERS),
    policy.route(
        "team/move/<int:pk>/undo/",
        team.team_move_undo,
        name="team-move-undo",
        read=policy.NOBODY,
        write=MOVERS,
    ),
]
policy.navigation(_("My day"), "sun", "my-day", "/my-day/", order=5)
policy.navigation(_("Team"), "layout-grid", "team-board", "/team/", order=4)
policy.navigation(_("Leads"), "list-check", "lead-list", "/leads/", order=10)
policy.navigation(_("Calendar"), "calendar", "lead-calendar", "/calendar/", order=25)
policy.navigation(_("My results"), "chart-bar", "my-results", "/my-results/", order=28)
