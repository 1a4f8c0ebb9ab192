"""Timeline entries in words."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from bankcrm import figures, parsing
from customers import campaign_names
from customers.acquisition_names import channel_name
from customers.models import ConsentChannel, ConsentPurpose, ImportFile, QuietPeriod
from customers.models.transactions import Channel
from customers.tabs.seen import Seen
from customers.timeline import Entry

# kind → (icon, sentence)
TEXTS: dict[str, tuple[str, Any]] = {
    "opened": ("shopping-cart", gettext_lazy("Opened %(what)s")),
    "closed": ("circle-x", gettext_lazy("Closed %(what)s")),
    "matured": ("calendar-due", gettext_lazy("%(what)s matured")),
    "contact_phone": ("phone", gettext_lazy("Call: %(what)s")),
    "contact_meeting": ("users", gettext_lazy("Meeting: %(what)s")),
    "contact_sms": ("message", gettext_lazy("SMS: %(what)s")),
    "contact_email": ("mail", gettext_lazy("E-mail: %(what)s")),
    "contact_app": ("device-mobile", gettext_lazy("App message: %(what)s")),
    "contact_letter": ("mail", gettext_lazy("Letter: %(what)s")),
    "response_visit": ("building-bank", gettext_lazy("Visited after %(what)s")),
    "response_interest": ("thumb-up", gettext_lazy("Showed interest in %(what)s")),
    "response_conversion": ("circle-check", gettext_lazy("Took up the offer of %(what)s")),
    "response_refusal": ("thumb-down", gettext_lazy("Refused the offer of %(what)s")),
    "assigned": ("target", gettext_lazy("Selected for %(what)s")),
    "control": ("scale", gettext_lazy("In the control group of %(what)s")),
    "consent_objects": ("hand-stop", gettext_lazy("Objected to: %(what)s")),
    "consent_agrees": ("check", gettext_lazy("Agreed to: %(what)s")),
    "consent_taken_back": ("arrow-back-up", gettext_lazy("Entry on consent taken back: %(what)s")),
    "quiet": ("moon", gettext_lazy("Quiet period: %(what)s")),
    "tier_up": ("trending-up", gettext_lazy("Rose to tier %(what)s")),
    "tier_down": ("trending-down", gettext_lazy("Fell to tier %(what)s")),
    "moved": ("switch-horizontal", gettext_lazy("Given to %(what)s")),
    "moved_back": ("switch-horizontal", gettext_lazy("Given to %(what)s, taken back later")),
    "moved_by_import": ("switch-horizontal", gettext_lazy("Given to %(what)s by an import")),
    "moved_off": ("switch-horizontal", gettext_lazy("Without a relationship manager, by an import")),
    "backup_by_import": ("users", gettext_lazy("%(what)s became backup by an import")),
    "backup_off": ("users", gettext_lazy("Without a backup, by an import")),
    "note": ("note", gettext_lazy("“%(what)s”")),
    "joined": ("user-plus", gettext_lazy("Became a customer")),
    "left": ("user-x", gettext_lazy("Left the bank")),
    "left_then": ("user-x", gettext_lazy("Left the bank, came back later")),
    "returned": ("user-plus", gettext_lazy("Is a customer again")),
}
_IMPORT = ("database-import", gettext_lazy("Import of %(what)s"))


def row(entry: Entry, seen: Seen) -> dict[str, Any]:
    """A row of ``kit/_timeline.html``."""
    icon, text = _IMPORT if entry.kind.startswith("import_") else TEXTS.get(entry.kind, ("point", "%(what)s"))
    what, meta = WORDS.get(entry.kind.split("_", 1)[0], _plain)(entry, seen)
    this_year = entry.day.year == seen.today.year
    return {
        "when": figures.short_day(entry.day) if this_year else date_format(entry.day, "M Y"),
        "day": entry.day,
        "icon": icon,
        "text": (str(text) % {"what": what}).strip(" :"),
        "meta": " · ".join(part for part in meta if part),
    }


def contact(entry: Entry) -> str:
    """A contact outside the list: "Call: Fund, No answer"."""
    what, meta = _contact(entry)
    _icon, text = TEXTS.get(entry.kind, ("point", "%(what)s"))
    return ", ".join([(str(text) % {"what": what}).strip(" :"), *(part for part in meta if part)])


def _plain(entry: Entry, _seen: Seen) -> tuple[str, list[str]]:
    return entry.what, [entry.detail.replace("_", " ")]


def _holding(entry: Entry, _seen: Seen) -> tuple[str, list[str]]:
    amount = figures.money(entry.amount) if entry.amount else ""
    return entry.what, [str(dict(Channel.choices).get(entry.detail, entry.detail)), amount]


def _ended(entry: Entry, _seen: Seen) -> tuple[str, list[str]]:
    """The state a holding was closed in says more than "closed" only where it is another word."""
    amount = figures.money(entry.amount) if entry.amount else ""
    said = entry.detail.replace("_", " ")
    return entry.what, ["" if said == "closed" else said, amount]


def _matured(entry: Entry, seen: Seen) -> tuple[str, list[str]]:
    amount = figures.money(entry.amount) if entry.amount else ""
    unheard = _("no data since %(day)s") % {"day": figures.short_day(seen.month)}
    return entry.what, [unheard if seen.is_after_the_data(entry.day) else "", amount]


def _contact(entry: Entry, _seen: Seen | None = None) -> tuple[str, list[str]]:
    length = figures.duration(float(entry.amount)) if entry.amount else ""
    return entry.what, [_product(entry), campaign_names.outcome(entry.detail), length]


def _response(entry: Entry, _seen: Seen) -> tuple[str, list[str]]:
    amount = figures.money(entry.amount) if entry.amount and entry.kind == "response_conversion" else ""
    return entry.what, [_product(entry) or ("" if entry.named else entry.detail.replace("_", " ")), amount]


def _product(entry: Entry) -> str:
    """The product beside the campaign's name; a campaign without a name is called by its product already."""
    return entry.named if entry.named != entry.what else ""


def _arm(entry: Entry, _seen: Seen) -> tuple[str, list[str]]:
    if not (entry.named or entry.detail) or entry.kind == "control":
        return entry.what, []
    return entry.what, [entry.named or _("arm %(code)s") % {"code": entry.detail}]


def _consent(entry: Entry, _seen: Seen) -> tuple[str, list[str]]:
    purpose = dict(ConsentPurpose.choices).get(entry.detail, entry.detail)
    return str(dict(ConsentChannel.choices).get(entry.what, entry.what)), [str(purpose)]


def _quiet(entry: Entry, _seen: Seen) -> tuple[str, list[str]]:
    last = parsing.day(entry.detail)
    until = _("to %(day)s") % {"day": figures.short_day(last)} if last else ""
    return str(dict(QuietPeriod.Reason.choices).get(entry.what, entry.what)), [until]


def _tier(entry: Entry, seen: Seen) -> tuple[str, list[str]]:
    names = seen.tier_names
    before = _("from %(tier)s") % {"tier": names.get(entry.detail, entry.detail)}
    return names.get(entry.what, entry.what), [before, figures.money(entry.amount)]


def _moved(entry: Entry, _seen: Seen) -> tuple[str, list[str]]:
    return entry.what, [_("from %(name)s") % {"name": entry.detail} if entry.detail else ""]


def _joined(entry: Entry, _seen: Seen) -> tuple[str, list[str]]:
    return "", [channel_name(entry.what) if entry.what else "", entry.detail]


def _import(entry: Entry, _seen: Seen) -> tuple[str, list[str]]:
    kind = entry.kind.removeprefix("import_")
    n = int(entry.amount or 0)
    rows = ngettext("%(count)s row here", "%(count)s rows here", n) % {"count": figures.number(n)}
    return str(dict(ImportFile.Kind.choices).get(kind, kind)).lower(), [entry.what, rows]


WORDS: dict[str, Callable[[Entry, Seen], tuple[str, list[str]]]] = {
    "opened": _holding,
    "closed": _ended,
    "matured": _matured,
    "contact": _contact,
    "response": _response,
    "assigned": _arm,
    "control": _arm,
    "consent": _consent,
    "quiet": _quiet,
    "tier": _tier,
    "moved": _moved,
    "backup": _moved,
    "joined": _joined,
    "import": _import,
}
