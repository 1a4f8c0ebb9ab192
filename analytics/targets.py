"""What a model predicts: whom it asks about at a month-end, and what counts as the outcome within its window.

A definition is data (``PredictiveModel``); here it becomes SQL over ``c`` (customer) and ``p`` (profile of the
month-end). Training, scoring and verification read it, so that the three mean the same.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from typing import Any

from django.utils.translation import gettext as _

from analytics import audience
from analytics.features import Population
from analytics.models import PredictiveModel
from analytics.models.predictive import BalanceGroup
from bankcrm import figures
from customers import fields as catalogue
from customers import profile, tiering
from customers.models import OwnField

Fragment = tuple[str, tuple[Any, ...]]
Target = PredictiveModel.Target

# A loan closed less than a month before it was due ran its course.
EARLY_DAYS = 30
DAYS_OF_A_MONTH = 30

HOLDS = (
    "EXISTS (SELECT 1 FROM customers_holding held WHERE held.customer_id = c.id AND held.product_id = %s"
    " AND held.opened_on <= p.month AND (held.closed_on IS NULL OR held.closed_on > p.month))"
)
OPENED = (
    "EXISTS (SELECT 1 FROM customers_holding opened WHERE opened.customer_id = c.id AND opened.product_id = %s"
    " AND opened.opened_on > p.month AND opened.opened_on <= p.month + %s::int)"
)
_RISEN = "EXISTS (SELECT 1 FROM customers_customerprofile risen WHERE risen.customer_id = c.id AND risen.month = %s"
_RANK = "(SELECT r.rank FROM unnest(%s::text[], %s::int[]) r (code, rank) WHERE r.code = {})"
_LOANS = "(SELECT id FROM customers_product WHERE is_loan AND line <> 'credit_card')"
_CLASS = "(SELECT id FROM customers_product WHERE asset_class = %s)"


# What the profile of the month-end that ends the window says.
AT_MONTH_END = frozenset({Target.RISES, Target.RISK, Target.FINANCE})


def window_end(model: PredictiveModel, month: dt.date) -> dt.date:
    """The day the last outcome of the window after ``month`` falls on.

    A balance is known at month-ends, so a model of balances, or of what they show, looks at the month-end that the
    horizon, in whole months, comes to.
    """
    if model.target == Target.FALLS or model.target in AT_MONTH_END:
        return profile.month_end(month, -max(1, round(model.horizon_days / DAYS_OF_A_MONTH)))
    return month + dt.timedelta(days=model.horizon_days)


def profiles_after(model: PredictiveModel, months: Iterable[dt.date]) -> list[dt.date]:
    """Further month-ends whose profiles the outcomes after ``months`` are read from."""
    return [window_end(model, month) for month in months] if model.target in AT_MONTH_END else []


def population(model: PredictiveModel, month: dt.date) -> Population:
    """Whom the model asks about at ``month``: who could still do it, within its conditions."""
    where, params = _both(_at_risk(model, month), conditions(model, month))
    return Population(where=where, params=params)


def conditions(model: PredictiveModel, month: dt.date) -> Fragment:
    """The model's own conditions alone: for whom, and who of them is left out."""
    wanted: Fragment = ("TRUE", ())
    if model.population:
        wanted = audience.field_expression(model.population, month)
    if not model.exclusions:
        return wanted
    where, params = audience.field_expression(model.exclusions, month)
    return _both(wanted, (f"({where}) IS NOT TRUE", params))


def own_field(model: PredictiveModel) -> catalogue.Field:
    """The own field a model predicts. Raises KeyError for one that is gone."""
    return catalogue.get(model.own_field)


def own_id(model: PredictiveModel) -> int:
    """The number its values are stored under."""
    return OwnField.objects.values_list("pk", flat=True).get(code=model.own_field)


def own_now(model: PredictiveModel) -> Fragment:
    """Whether the newest word at the month-end is a yes; NULL for a customer of whom nothing is known."""
    return _is_yes(model, f"({own_field(model).source})")


def _is_yes(model: PredictiveModel, word: str) -> Fragment:
    return (f"({word} = %s)", (model.own_value,)) if model.own_value else (word, ())


def _own_later(model: PredictiveModel, month: dt.date) -> Fragment:
    """Whether the last word said in the window is a yes; NULL where nothing was said in it."""
    key = str(own_id(model))
    kind = "text" if model.own_value else "boolean"
    word = (
        f"(SELECT (o.content ->> %s)::{kind} FROM customers_ownvalues o"  # noqa: S608  constants of this module
        " WHERE o.customer_id = c.id AND jsonb_exists(o.content, %s) AND o.valid_from > %s AND o.valid_from <= %s"
        " ORDER BY o.valid_from DESC, o.brought_by DESC LIMIT 1)"
    )
    expression, params = _is_yes(model, word)
    return expression, (key, key, month, window_end(model, month), *params)


def known(model: PredictiveModel, month: dt.date) -> Fragment:
    """Of whom the outcome can be known once the window has passed: everybody, but for words nobody said, for tiers of a
    month-end whose profile is not built, and for balances that did not come in."""
    if model.target == Target.FALLS:
        return _balance_came(model, window_end(model, month))
    if model.target == Target.RISES:
        built = "EXISTS (SELECT 1 FROM customers_customerprofile built WHERE built.month = %s)"
        return built, (window_end(model, month),)
    if model.target != Target.OWN:
        return "TRUE", ()
    expression, params = _own_later(model, month)
    return f"{expression} IS NOT NULL", params


def learnable(model: PredictiveModel, month: dt.date) -> Population:
    """Of the population those whose outcome is known: what a model learns from."""
    who = population(model, month)
    where, params = _both((who.where, who.params), known(model, month))
    return Population(where=where, params=params)


# A product with a balance at the month-end, none later, and nobody told that it was closed: as in
# ``customers.unknown_balances`` that is not a balance of nothing.
_UNTOLD = """NOT EXISTS (
    SELECT 1 FROM customers_monthlybalance was
    WHERE was.customer_id = c.id AND was.month = p.month AND was.product_id IN {products} AND was.closing <> 0
        AND NOT EXISTS (SELECT 1 FROM customers_monthlybalance b WHERE b.customer_id = c.id AND b.month = %s
            AND b.product_id = was.product_id)
        AND coalesce(
            (SELECT bool_or(h.closed_on IS NULL OR h.closed_on > %s) FROM customers_holding h
            WHERE h.customer_id = c.id AND h.product_id = was.product_id AND h.opened_on <= %s),
            NOT EXISTS (SELECT 1 FROM customers_monthlybalance b WHERE b.customer_id = c.id AND b.month = %s))
)"""


def _balance_came(model: PredictiveModel, later: dt.date) -> Fragment:
    products, params = _products(model)
    return _UNTOLD.format(products=products), (*params, later, later, later, later)


def _both(first: Fragment, second: Fragment) -> Fragment:
    return f"({first[0]}) AND ({second[0]})", (*first[1], *second[1])


def outcome(model: PredictiveModel, month: dt.date) -> Fragment:
    """Whether a customer of the population did it in the window after ``month``: a boolean expression."""
    if model.target == Target.RISES:
        return _rises(month, window_end(model, month))
    products, params = _products(model)
    match model.target:
        case Target.OWN:
            return _own_later(model, month)
        case Target.OPENS:
            return OPENED, (model.product_id, model.horizon_days)
        case Target.FALLS:
            later = (
                "coalesce((SELECT sum(coalesce(b.average, b.computed_average, b.closing))"  # noqa: S608  constants of this module
                " FROM customers_monthlybalance b WHERE b.customer_id = c.id AND b.month = %s"
                f" AND b.product_id IN {products}), 0)"
            )
            return f"{later} < %s * p.{_column(model)}", (window_end(model, month), *params, model.share)
        case Target.CLOSES:
            open_later = _open("p.month + %s::int", products)
            return f"NOT {open_later}", (*params, model.horizon_days, model.horizon_days)
    closed = (
        "EXISTS (SELECT 1 FROM customers_holding paid WHERE paid.customer_id = c.id"  # noqa: S608  constants of this module
        f" AND paid.product_id IN {products} AND paid.opened_on <= p.month AND paid.closed_on > p.month"
        f" AND paid.closed_on <= p.month + %s::int AND paid.closed_on < paid.matures_on - {EARLY_DAYS})"
    )
    return closed, (*params, model.horizon_days)


def _at_risk(model: PredictiveModel, month: dt.date) -> Fragment:
    if model.target == Target.OPENS:
        return f"NOT {HOLDS}", (model.product_id,)
    if model.target == Target.OWN:
        return "TRUE", ()
    if model.target == Target.RISES:
        ranks = _tier_ranks(month)
        # Below the highest: nobody else can rise.
        return "p.tier = ANY(%s::text[])", (
            [code for code, rank in ranks.items() if rank > min(ranks.values())],
        )
    products, params = _products(model)
    column = _column(model)
    if model.target == Target.FALLS:
        return f"p.{column} > 0 AND p.{column} >= %s", (model.least,)
    if model.target == Target.CLOSES:
        return f"{_open('p.month', products)} AND p.{column} >= %s", (*params, model.least)
    due = (
        "EXISTS (SELECT 1 FROM customers_holding owed WHERE owed.customer_id = c.id"  # noqa: S608  constants of this module
        f" AND owed.product_id IN {products} AND owed.opened_on <= p.month"
        " AND (owed.closed_on IS NULL OR owed.closed_on > p.month)"
        f" AND owed.matures_on > p.month + {EARLY_DAYS})"
    )
    return f"{due} AND p.{column} >= %s", (*params, model.least)


def _tier_ranks(month: dt.date) -> dict[str, int]:
    """Code → rank (1 = highest) of the tiers in force on the day."""
    return dict(tiering.rules_at(month).values_list("code", "rank"))


def _rises(month: dt.date, later: dt.date) -> Fragment:
    """Whether the tier of the later month-end is above that of ``month``, by the ranks of each; nobody who left."""
    then, now = _tier_ranks(month), _tier_ranks(later)
    params = (later, list(now), list(now.values()), list(then), list(then.values()))
    return f"{_RISEN} AND {_RANK.format('risen.tier')} < {_RANK.format('p.tier')})", params


def _open(day: str, products: str) -> str:
    """Holds a contract of the kind on ``day``, an SQL expression."""
    return (
        "EXISTS (SELECT 1 FROM customers_holding kept WHERE kept.customer_id = c.id"  # noqa: S608  constants of this module
        f" AND kept.product_id IN {products} AND kept.opened_on <= {day}"
        f" AND (kept.closed_on IS NULL OR kept.closed_on > {day}))"
    )


def _products(model: PredictiveModel) -> Fragment:
    return (_LOANS, ()) if model.balance == BalanceGroup.LOANS else (_CLASS, (model.balance,))


def _column(model: PredictiveModel) -> str:
    """The profile's column of the balance; only a member of the closed list goes into SQL."""
    return BalanceGroup(model.balance).value


def asked(model: PredictiveModel) -> str:
    """Of whom a churn model asks, apart from its own conditions; "" for other kinds, whose sentence says it."""
    if model.kind != PredictiveModel.Kind.CHURN:
        return ""
    named = {"kind": model.get_balance_display(), "least": figures.money(model.least)}
    return {
        Target.FALLS: _("Who has at least %(least)s of %(kind)s at the month-end"),
        Target.CLOSES: _("Who holds %(kind)s at the month-end, at least %(least)s"),
        Target.PREPAYS: _(
            "Who owes at least %(least)s at the month-end, due more than 30 days later: %(kind)s"
        ),
    }[Target(model.target)] % named


def sentence(model: PredictiveModel) -> str:
    """What the model predicts, as people read it."""
    named = {
        "product": model.product.name if model.product else "",
        "kind": model.get_balance_display(),
        "share": figures.pct(model.share or 0, 0),
        "days": model.horizon_days,
    }
    if model.kind == PredictiveModel.Kind.PROSPECT:
        named["list"] = model.prospect_list
        return _("Who of the list %(list)s would open %(product)s within %(days)s days") % named
    if model.kind == PredictiveModel.Kind.UPLIFT:
        return _("Who buys because of being contacted: %(product)s within %(days)s days") % named
    if model.target == Target.OWN:
        field = catalogue.find(model.own_field)
        named = {"field": field.label if field else model.own_field, "value": model.own_value}
        text = (
            _("Of whom “%(field)s” says “%(value)s”")
            if model.own_value
            else _("Of whom “%(field)s” says yes")
        )
        return text % named
    return {
        Target.OPENS: _("Who opens %(product)s within %(days)s days"),
        Target.FALLS: _("Whose %(kind)s falls under %(share)s of what it is now within %(days)s days"),
        Target.RISES: _("Who moves up to a higher tier within %(days)s days"),
        Target.CLOSES: _("Who closes all %(kind)s within %(days)s days"),
        Target.PREPAYS: _("Who repays before it is due within %(days)s days: %(kind)s"),
        Target.PRODUCT: _("Which product line those who buy within %(days)s days buy first"),
        Target.CHANNEL: _("Through which channel most transactions of the next %(days)s days go"),
        Target.RISK: _("Which risk preference assets show in %(days)s days, cautious to adventurous"),
        Target.FINANCE: _("Which financial preference balances show in %(days)s days"),
    }[Target(model.target)] % named
