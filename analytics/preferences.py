"""Preferences (S2.7): what is asked of customers, which answers there are, and by which rule an answer counts.

Every subject is SQL over the aliases of ``features.Population``: ``p`` is the profile of the month-end, ``later`` the
word a customer said by what it then did. Whoever did nothing that says a word is not in ``later`` and teaches nothing.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
from django.db import connection
from numpy.typing import NDArray

from analytics import targets
from analytics.features import Population
from analytics.modelling.sentences import Sentence, gettext_noop
from analytics.models import PredictiveModel
from customers import fields as catalogue
from customers import profile
from customers.fields.likely import CHANNELS

Fragment = targets.Fragment
Target = PredictiveModel.Target

# What a customer was seen to do in the 12 months to the month-end.
SEEN = "(p.transactions_12m + p.purchases_12m + p.contacts_12m)"
TRANSACTIONS_NEEDED = 5

_BOUGHT = """
SELECT DISTINCT ON (h.customer_id) h.customer_id, product.line AS word
FROM customers_holding h JOIN customers_product product ON product.id = h.product_id
WHERE h.opened_on > %s AND h.opened_on <= %s AND product.asset_class <> 'demand_deposit'
ORDER BY h.customer_id, h.opened_on, h.id
"""
_USED = f"""
SELECT DISTINCT ON (customer_id) customer_id, channel AS word FROM (
    SELECT customer_id, channel, count(*) AS n, sum(count(*)) OVER (PARTITION BY customer_id) AS total
    FROM customers_transaction WHERE booked_on > %s AND booked_on <= %s GROUP BY customer_id, channel
) used
WHERE total >= {TRANSACTIONS_NEEDED} AND channel = ANY(%s) ORDER BY customer_id, n DESC, channel
"""  # noqa: S608  constants of this module


_PURCHASES = """
SELECT product.line AS word, count(*) AS n
FROM customers_holding h JOIN customers_product product ON product.id = h.product_id
WHERE h.customer_id = %s AND h.opened_on > %s AND h.opened_on <= %s AND product.asset_class <> 'demand_deposit'
GROUP BY 1
"""
_BOOKINGS = """
SELECT channel AS word, count(*) AS n FROM customers_transaction
WHERE customer_id = %s AND booked_on > %s AND booked_on <= %s GROUP BY 1
"""


def _of_profile(column: str) -> Callable[[dt.date, dt.date], Fragment]:
    """What the catalogue's rule says of ``column`` at the month-end that ends the window."""
    statement = (
        f"SELECT customer_id, {column} AS word FROM customers_customerprofile"  # noqa: S608  a constant of this module
        f" WHERE month = %s AND {column} <> ''"
    )
    return lambda _month, end: (statement, (end,))


@dataclass(frozen=True, slots=True)
class Subject:
    """One thing customers prefer. ``likely`` is the profile's field of the answer, whose choices are the classes;
    ``fact`` the catalogue's field that says by a rule what was preferred so far; ``words(month, end)`` the SQL of
    customer_id and word for what was done after ``month`` through ``end``; ``rule`` says the same to people."""

    likely: str
    fact: str
    kind: Literal["nominal", "ordinal"]
    rule: str
    words: Callable[[dt.date, dt.date], Fragment]
    # SQL of word and how often, over customer, day after which and day through which; "" where nothing is counted.
    counted: str = ""

    @property
    def classes(self) -> tuple[str, ...]:
        """The codes of the answers; of ordered ones from least to most."""
        return tuple(code for code, _label in catalogue.get(self.likely).choices)

    def label(self, code: str) -> str:
        return catalogue.get(self.likely).choice_label(code)

    @property
    def told(self) -> Sentence:
        """The rule by which an answer counts, for the model card."""
        return Sentence(self.rule)


SUBJECTS: dict[str, Subject] = {
    Target.PRODUCT: Subject(
        "likely_product",
        "preferred_product",
        "nominal",
        gettext_noop(
            "What counts: the product line of the first purchase in the window, current accounts apart. Customers who"
            " buy nothing in it teach nothing; the answer is what would be bought, not whether."
        ),
        lambda month, end: (_BOUGHT, (month, end)),
        _PURCHASES,
    ),
    Target.CHANNEL: Subject(
        "likely_channel",
        "preferred_channel",
        "nominal",
        gettext_noop(
            "What counts: the channel of most transactions in the window, from five transactions on; channel Other"
            " counts to the five and is never preferred."
        ),
        lambda month, end: (_USED, (month, end, [code for code, _label in CHANNELS])),
        _BOOKINGS,
    ),
    Target.RISK: Subject(
        "likely_risk",
        "risk_preference",
        "ordinal",
        gettext_noop(
            "What counts: the risk preference that assets show at the end of the window, by the rule of the field"
            " catalogue: the share of funds, trust, securities and precious metal, wealth management counted half;"
            " cautious below 10 %%, balanced to 40 %%, adventurous above; nothing below 1,000 of assets."
        ),
        _of_profile("risk_preference"),
    ),
    Target.FINANCE: Subject(
        "likely_finance",
        "financial_preference",
        "nominal",
        gettext_noop(
            "What counts: the financial preference that balances show at the end of the window, by the rule of the"
            " field catalogue: borrowing when liabilities exceed assets; money at hand when demand deposits are 60 %%"
            " or more; else the largest of saving, investing and protection; nothing below 1,000."
        ),
        _of_profile("financial_preference"),
    ),
}
BEHAVIOUR = gettext_noop(
    "Who was seen to do less than %(least)s things in 12 months (bookings, purchases, contacts) gets no answer: not"
    " enough behaviour."
)


def so_far(about: Subject, customer: int, month: dt.date) -> dict[str, int]:
    """Word → how often the customer did what says it, in the 12 months to ``month``; empty where nothing is counted."""
    if not about.counted:
        return {}
    with connection.cursor() as cursor:
        cursor.execute(about.counted, [customer, profile.month_end(month, 12), month])
        return {str(word): int(n) for word, n in cursor.fetchall()}


def subject(model: PredictiveModel) -> Subject:
    """What a preference model asks. Raises KeyError for a model of another kind."""
    return SUBJECTS[model.target]


def asked(model: PredictiveModel, month: dt.date) -> Population:
    """Everybody within the model's conditions at ``month``, with what was seen of them as ``seen``."""
    where, params = targets.conditions(model, month)
    return Population(where=where, params=params, extra={"seen": (SEEN, ())})


def labelled(model: PredictiveModel, month: dt.date) -> Population:
    """Of these whoever was seen enough and then said a word: its position among the classes is ``label``."""
    where, params = targets.conditions(model, month)
    about = subject(model)
    classes = list(about.classes)
    words, word_params = about.words(month, targets.window_end(model, month))
    return Population(
        where=f"({where}) AND {SEEN} >= %s AND array_position(%s::text[], later.word::text) IS NOT NULL",
        params=(*params, model.least_seen, classes),
        joins=f"JOIN ({words}) later ON later.customer_id = c.id",
        join_params=word_params,
        extra={
            "label": ("(array_position(%s::text[], later.word::text) - 1)", (classes,)),
            "day": ("p.month", ()),
        },
    )


def behaviour(model: PredictiveModel) -> Sentence:
    """The stated minimum of facts."""
    return Sentence(BEHAVIOUR, {"least": model.least_seen})


def shares(answer: NDArray[np.int8], probabilities: NDArray[np.float32]) -> list[float]:
    """Mean chance of every class (n, classes) among those with an answer (n,), and last the share without one."""
    answered = answer >= 0
    means = probabilities[answered].mean(axis=0) if answered.any() else np.zeros(probabilities.shape[1])
    known = float(answered.mean()) if len(answer) else 0.0
    return [*(float(mean) * known for mean in means), 1.0 - known]
