"""Customers like this usually also hold …: products many peers hold and this customer does not."""

from __future__ import annotations

from dataclasses import dataclass

from customers.models import ConsentPurpose, CustomerProfile, ProductLine
from customers.peers import Held, Peers
from customers.relation import Relation

FROM = 0.2  # a product that one peer in five holds is usual
MOST = 5


@dataclass(frozen=True, slots=True)
class Gap:
    """What peers hold; ``line_label`` names its line where the customer holds nothing of it, else ''.

    ``hindrance`` says why it may not be offered now, or is ''.
    """

    held: Held
    line_label: str
    hindrance: str


class Hindrance:
    """What forbids or delays an offer; the words stand on the page."""

    NONE = ""
    DO_NOT_CONTACT = "do_not_contact"
    NO_MARKETING = "no_marketing"
    NO_PROFILING = "no_profiling"
    REFUSED = "refused"


def gap(profile: CustomerProfile, peers: Peers | None, relation: Relation) -> list[Gap]:
    """Up to MOST products on sale that at least FROM of the peers hold and the customer does not, most usual first.

    Loans are left out while the customer is overdue with one.
    """
    if peers is None:
        return []
    own = set(profile.held_products)
    lines = {one.line for one in peers.held if one.code in own}
    missing = [
        one
        for one in peers.held
        if one.is_on_sale
        and one.share >= FROM
        and one.code not in own
        and not (one.is_loan and profile.overdue_days)
    ]
    return [Gap(one, _new_line(one, lines), _hindrance(one, relation)) for one in missing[:MOST]]


def _new_line(one: Held, lines: set[str]) -> str:
    known = one.line not in lines and one.line in ProductLine.values
    return str(ProductLine(one.line).label) if known else ""


def hindrance(relation: Relation) -> str:
    """The strongest reason not to offer anything that comparing, or a model, finds."""
    if relation.do_not_contact:
        return Hindrance.DO_NOT_CONTACT
    everywhere = [each for each in relation.objections if each.channel == "all"]
    if any(each.is_about_offers for each in everywhere):
        return Hindrance.NO_MARKETING
    if any(each.purpose == ConsentPurpose.PROFILING for each in relation.objections):
        return Hindrance.NO_PROFILING
    return Hindrance.NONE


def _hindrance(product: Held, relation: Relation) -> str:
    """The same of one product: a refusal of it counts as long as it is among the latest."""
    if found := hindrance(relation):
        return found
    if any(each.kind == "refusal" and each.product == product.code for each in relation.answers):
        return Hindrance.REFUSED
    return Hindrance.NONE
