"""What is worth knowing before a call: a sentence by each stated rule that holds, the most pressing first."""

from __future__ import annotations

import calendar
import datetime as dt
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from bankcrm import figures
from customers.portrait import Unusual
from customers.tabs.seen import Seen

MOST = 3
MATURES_WITHIN = 30
BIRTHDAY_WITHIN = 14
MOVED_WITHIN = 30
BIG_WITHIN, BIG_SHARE = 92, 0.2
FELL_BY = Decimal("0.2")
NEAR_TIER = Decimal("0.1")
IDLE_SHARE, IDLE_AMOUNT = 0.6, 50_000
NEW_DAYS = 90
LONG_AGO_DAYS = 365


@dataclass(frozen=True, slots=True)
class Worth:
    """``tone`` is warn where something may go wrong; ``rule`` says when the sentence appears."""

    icon: str
    text: str
    tone: str
    rule: Any


def worth_knowing(seen: Seen, most: int = MOST) -> list[Worth]:
    """Up to ``most`` sentences, in the order of RULES; reads what ``seen`` has, and the customer's bookings."""
    found: list[Worth] = []
    for rule, said in RULES:
        for icon, text, tone in said(seen):
            found.append(Worth(icon, text, tone, rule))
            if len(found) == most:
                return found
    return found


Said = Iterator[tuple[str, str, str]]


def _overdue(seen: Seen) -> Said:
    if seen.profile and seen.profile.overdue_days:
        text = ngettext(
            "Consumer finance is %(days)s day overdue.",
            "Consumer finance is %(days)s days overdue.",
            seen.profile.overdue_days,
        ) % {"days": seen.profile.overdue_days}
        yield "alert-triangle", text, "warn"


def _maturities(seen: Seen) -> Said:
    last = seen.today + dt.timedelta(days=MATURES_WITHIN)
    due = [one for one in seen.held if one.matures_on and seen.today <= one.matures_on <= last]
    if due:
        words = {
            "product": due[0].product.name,
            "amount": figures.money(seen.falls_due(due[0])),
            "day": figures.short_day(due[0].matures_on),
            "more": len(due) - 1,
            "sum": figures.money(sum(seen.falls_due(one) for one in due)),
        }
        if len(due) == 1:
            text = _("%(product)s of %(amount)s matures on %(day)s.") % words
        else:
            text = (
                _("%(product)s of %(amount)s matures on %(day)s, %(more)s more soon after: %(sum)s in all.")
                % words
            )
        yield "calendar-due", text, ""


def _stopped_income(seen: Seen) -> Said:
    for one in seen.series:
        # Twice overdue is no longer news: the income has moved elsewhere and the month shows it.
        if one.is_income and one.is_late and (seen.movements.known_to - one.next_on).days <= 60:
            words = {
                "amount": figures.money(one.amount),
                "rhythm": one.rhythm.label,
                "day": figures.short_day(one.next_on),
            }
            yield (
                "trending-down",
                _("The %(rhythm)s income of about %(amount)s expected on %(day)s has not come.") % words,
                "warn",
            )
            return


def _largest(seen: Seen, days: int) -> Unusual | None:
    recent = [one for one in seen.unusual if (seen.movements.known_to - one.day).days <= days]
    return max(recent, key=lambda each: abs(each.amount), default=None)


def _is_big(seen: Seen, one: Unusual | None) -> bool:
    """Beside what the customer has with the bank, or had, whichever is more."""
    if one is None or seen.profile is None:
        return False
    assets = max(seen.profile.aum, seen.profile.aum_3m_ago)
    return abs(one.amount) >= BIG_SHARE * float(assets)


def _big(seen: Seen) -> Said:
    one = _largest(seen, BIG_WITHIN)
    if one and _is_big(seen, one):
        yield _moved(one)


def _unusual(seen: Seen) -> Said:
    one = _largest(seen, MOVED_WITHIN)
    if one and not (_is_big(seen, one) and one == _largest(seen, BIG_WITHIN)):
        yield _moved(one)


def _moved(one: Unusual) -> tuple[str, str, str]:
    words = {
        "amount": figures.money(abs(one.amount)),
        "day": figures.short_day(one.day),
        "times": figures.number(one.times, 0),
        "usual": figures.money(one.usual),
        "who": one.counterparty,
    }
    if one.amount > 0 and one.counterparty:
        said = _("%(amount)s came in on %(day)s from %(who)s, %(times)s times the usual %(usual)s.")
    elif one.amount > 0:
        said = _("%(amount)s came in on %(day)s, %(times)s times the usual %(usual)s.")
    elif one.counterparty:
        said = _("%(amount)s went out on %(day)s to %(who)s, %(times)s times the usual %(usual)s.")
    else:
        said = _("%(amount)s went out on %(day)s, %(times)s times the usual %(usual)s.")
    icon, tone = ("arrow-down-left", "") if one.amount > 0 else ("arrow-up-right", "warn")
    return icon, said % words, tone


def _fall(seen: Seen) -> Said:
    profile = seen.profile if seen.is_value_known else None
    if profile and profile.aum_3m_ago and profile.aum < profile.aum_3m_ago * (1 - FELL_BY):
        change = profile.aum - profile.aum_3m_ago
        words = {
            "amount": figures.money(-change),
            "share": figures.pct(-change / profile.aum_3m_ago, 0),
        }
        yield "trending-down", _("Assets fell by %(amount)s, %(share)s, in three months.") % words, "warn"


def _birthday(seen: Seen) -> Said:
    born = seen.customer.known_birth_date
    day = next_birthday(born, seen.today)
    if born and day and (day - seen.today).days <= BIRTHDAY_WITHIN:
        age = day.year - born.year
        yield "gift", _("Turns %(age)s on %(day)s.") % {"age": age, "day": figures.short_day(day)}, ""


def _tier(seen: Seen) -> Said:
    """Nothing of a month that is not known: it does not count towards losing a tier either."""
    profile = seen.profile
    if profile is None or not seen.is_value_known:
        return
    ranks = {rule.code: rule for rule in seen.tiers}
    own = ranks.get(profile.tier)
    if own and own.minimum_aum and profile.aum < own.minimum_aum and not profile.loan_balance:
        words = {"tier": own.name, "amount": figures.money(own.minimum_aum - profile.aum)}
        yield (
            "trending-down",
            _("Is %(amount)s below tier %(tier)s, which is lost after three months below.") % words,
            "warn",
        )
        return
    above = [rule for rule in seen.tiers if own is None or rule.rank < own.rank]
    missing = above[-1].minimum_aum - profile.aum if above else 0
    if above and 0 < missing <= above[-1].minimum_aum * NEAR_TIER:
        words = {"tier": above[-1].name, "amount": figures.money(missing)}
        yield "trending-up", _("%(amount)s more in assets and the tier is %(tier)s.") % words, ""


def _interest(seen: Seen) -> Said:
    for one in seen.relation.answers[:1]:
        if one.kind == "interest" and (seen.today - one.day).days <= LONG_AGO_DAYS:
            words = {"what": one.about, "day": figures.short_day(one.day)}
            yield "thumb-up", _("Showed interest in %(what)s on %(day)s.") % words, ""


def _idle(seen: Seen) -> Said:
    profile = seen.profile
    if profile is None or not seen.is_value_known or profile.demand_deposit < IDLE_AMOUNT or not seen.past:
        return
    share = float(profile.demand_deposit) / (sum(seen.past[-1].amounts.values()) or 1)
    if share >= IDLE_SHARE:
        words = {"amount": figures.money(profile.demand_deposit), "share": figures.pct(share, 0)}
        yield "coins", _("%(amount)s, %(share)s of all assets, lies on demand deposit.") % words, ""


def _new(seen: Seen) -> Said:
    opened = seen.customer.opened_on
    if opened and 0 <= (seen.today - opened).days <= NEW_DAYS:
        yield "user-plus", _("A customer only since %(day)s.") % {"day": figures.short_day(opened)}, ""


def _unheard(seen: Seen) -> Said:
    """Only of a customer whose contacts of the year the bank has brought."""
    contacts, since = seen.relation.contacts, seen.known_since
    if since is None or (seen.today - since).days < LONG_AGO_DAYS:
        return
    if not contacts or (seen.today - contacts[0].day).days > LONG_AGO_DAYS:
        yield "phone-off", _("Nobody has contacted this customer for a year."), ""


def next_birthday(born: dt.date | None, today: dt.date) -> dt.date | None:
    """The next one on ``today`` or later; somebody born on 29 February has it on the 28th in other years."""
    if born is None:
        return None
    for year in (today.year, today.year + 1):
        is_moved = (born.month, born.day) == (2, 29) and not calendar.isleap(year)
        day = dt.date(year, born.month, 28 if is_moved else born.day)
        if day >= today:
            return day
    return None


# (rule in words, rule); the order is the order of importance
RULES: list[tuple[Any, Callable[[Seen], Said]]] = [
    (gettext_lazy("a consumer-finance contract is overdue"), _overdue),
    (
        gettext_lazy(
            "in the quarter to which bookings are known, a fifth of the assets or more moved at once"
        ),
        _big,
    ),
    (gettext_lazy("something matures within 30 days"), _maturities),
    (gettext_lazy("a regular income has not come on its day"), _stopped_income),
    (gettext_lazy("another movement of the last 30 days of bookings is unusual for this customer"), _unusual),
    (gettext_lazy("assets fell by more than a fifth in three months"), _fall),
    (gettext_lazy("a birthday is within 14 days"), _birthday),
    (gettext_lazy("assets are below the own tier, or within a tenth of the next"), _tier),
    (gettext_lazy("the latest response, within a year, is interest"), _interest),
    (gettext_lazy("60 % of assets, and at least 50,000, are on demand deposit"), _idle),
    (gettext_lazy("a customer for less than 90 days"), _new),
    (gettext_lazy("no contact for a year, of which the bank has records"), _unheard),
]
