"""Attributes (S1.1) and how the customer came to us (S1.8): mostly columns of Customer."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext_lazy

from customers import life_stage
from customers.fields.declaration import Area, Basis, Field, Origin, Personal, Reference, Type
from customers.grades import LifeStage
from customers.models.attributes import Customer, Education, Gender, MaritalStatus

# Said in the meaning of every field that the law or decency keeps out of models.
PROTECTED = _("Protected: shown and filtered where an offer needs it, never used by a model.")


def attribute(code: str, label: Any, meaning: Any, kind: Type, **rest: Any) -> Field:
    """A column of Customer; importable under its own name unless ``column`` says otherwise."""
    rest.setdefault("source", f"c.{code}")
    rest.setdefault("column", code)
    rest.setdefault("basis", Basis.CUSTOMERS)
    rest.setdefault("origin", Origin.FACTS if rest["source"].startswith("p.") else Origin.GIVEN)
    return Field(code=code, label=label, meaning=meaning, area=Area.ATTRIBUTE, type=kind, **rest)


WHO = [
    attribute(
        "number",
        _("Customer number"),
        _("The bank's own number of the customer; the natural key of every import."),
        Type.TEXT,
        personal=Personal.PERSONAL,
        filter=False,
    ),
    attribute(
        "kind",
        _("Kind"),
        _("A person or a firm."),
        Type.CHOICE,
        choices=tuple(Customer.Kind.choices),
        model_use=True,
        group=True,
        reasons={"high": _("Is a %(value)s customer"), "low": _("Is a %(value)s customer")},
    ),
    attribute(
        "name",
        _("Name"),
        _("Name as in the bank's books. Found by search, not by conditions."),
        Type.TEXT,
        personal=Personal.PERSONAL,
        filter=False,
    ),
    attribute(
        "gender",
        _("Gender"),
        PROTECTED,
        Type.CHOICE,
        choices=tuple(Gender.choices),
        personal=Personal.SENSITIVE,
        group=True,
    ),
    attribute(
        "birth_date",
        _("Date of birth"),
        _(
            "Date of birth. Conditions and models use the age. Estimated where a file gave an age (half a year before"
            " the birthday it counts from) or a year of birth (1 July)."
        ),
        Type.DATE,
        personal=Personal.PERSONAL,
        filter=False,
        export=False,
    ),
    attribute(
        "birth_date_is_estimated",
        _("Date of birth is estimated"),
        _(
            "The date of birth was made from an age or a year of birth: good for the age, no birthday is claimed of it."
            " An imported date of birth ends it."
        ),
        Type.FLAG,
        column="",
        personal=Personal.PERSONAL,
    ),
    attribute(
        "age",
        _("Age"),
        _(
            "Full years at the as-of date; unknown before birth and beyond 120. Models may use it: suitability of an"
            " offer depends on it."
        ),
        Type.NUMBER,
        source="p.age",
        column="",
        unit=_("years"),
        personal=Personal.PERSONAL,
        model_use=True,
        reasons={
            "high": ngettext_lazy("Is %(value)s year old", "Is %(value)s years old", "n"),
            "low": ngettext_lazy("Is only %(value)s year old", "Is only %(value)s years old", "n"),
        },
    ),
    attribute(
        "identity_number",
        _("Identity number"),
        _("Shown masked. The full number is revealed once, with a reason, and logged."),
        Type.TEXT,
        personal=Personal.SENSITIVE,
        filter=False,
        export=False,
    ),
    attribute(
        "phone",
        _("Phone"),
        _("Shown masked. The full number is revealed once, with a reason, and logged."),
        Type.TEXT,
        personal=Personal.SENSITIVE,
        filter=False,
        export=False,
    ),
    attribute(
        "phone_is_wrong",
        _("Phone number is wrong"),
        _("A relationship manager found that the number leads nowhere."),
        Type.FLAG,
        origin=Origin.STAFF,
        column="",
        group=True,
    ),
    attribute(
        "email",
        _("E-mail"),
        _("Address for messages; not used by conditions."),
        Type.TEXT,
        personal=Personal.SENSITIVE,
        filter=False,
        export=False,
        show=False,
    ),
    attribute(
        "education",
        _("Education"),
        _("Highest education, as the customer stated it."),
        Type.CHOICE,
        choices=tuple(Education.choices),
        personal=Personal.PERSONAL,
        model_use=True,
        group=True,
        reasons={"high": _("Education: %(value)s"), "low": _("Education: %(value)s")},
    ),
    attribute(
        "monthly_income",
        _("Monthly income"),
        _("Stated or estimated income of a month, before tax."),
        Type.MONEY,
        personal=Personal.PERSONAL,
        model_use=True,
        reasons={"high": _("Earns %(value)s a month"), "low": _("Earns %(value)s a month")},
    ),
    attribute(
        "marital_status",
        _("Marital status"),
        PROTECTED,
        Type.CHOICE,
        choices=tuple(MaritalStatus.choices),
        personal=Personal.SENSITIVE,
        group=True,
    ),
    attribute(
        "children",
        _("Children"),
        PROTECTED,
        Type.NUMBER,
        personal=Personal.SENSITIVE,
    ),
    attribute(
        "industry",
        _("Industry"),
        _("Industry the customer works in."),
        Type.TEXT,
        personal=Personal.PERSONAL,
        model_use=True,
        group=True,
        reasons={"high": _("Works in %(value)s"), "low": _("Works in %(value)s")},
    ),
    attribute(
        "occupation",
        _("Occupation"),
        _("Occupation, as the customer stated it."),
        Type.TEXT,
        personal=Personal.PERSONAL,
        model_use=True,
        group=True,
        reasons={"high": _("Works as %(value)s"), "low": _("Works as %(value)s")},
    ),
    attribute(
        "region",
        _("Region"),
        _("Region of residence. No model uses it: where somebody lives stands in for where they come from."),
        Type.TEXT,
        group=True,
    ),
    attribute(
        "city",
        _("City"),
        _("City of residence. No model uses it: where somebody lives stands in for where they come from."),
        Type.TEXT,
        group=True,
    ),
    attribute(
        "credit_limit",
        _("Credit limit"),
        _("Limit over all credit lines."),
        Type.MONEY,
        model_use=True,
        reasons={"high": _("Has a credit limit of %(value)s"), "low": _("Credit limit is only %(value)s")},
    ),
    attribute(
        "household",
        _("Household"),
        _("Code shared by the customers of one household."),
        Type.TEXT,
        personal=Personal.PERSONAL,
        filter=False,
    ),
    attribute(
        "is_employee",
        _("Works for the bank"),
        _("Staff are left out of campaigns by the contact policy."),
        Type.FLAG,
        group=True,
    ),
]

RELATION = [
    attribute(
        "opened_on",
        _("Customer since"),
        _("Day on which the relationship began."),
        Type.DATE,
    ),
    attribute(
        "closed_on",
        _("Left on"),
        _("Day on which the relationship ended; a profile is built only before it."),
        Type.DATE,
        filter=False,
    ),
    attribute(
        "tenure_months",
        _("Months with us"),
        _("Full months from the first day of the relationship to the as-of date."),
        Type.NUMBER,
        source="p.tenure_months",
        column="",
        unit=_("months"),
        model_use=True,
        reasons={
            "high": ngettext_lazy("Customer for %(value)s month", "Customer for %(value)s months", "n"),
            "low": ngettext_lazy(
                "Customer for only %(value)s month", "Customer for only %(value)s months", "n"
            ),
        },
    ),
    attribute(
        "life_stage",
        _("Life stage"),
        life_stage.MEANING,
        Type.CHOICE,
        basis=Basis.SEVERAL,
        origin=Origin.RULE,
        source="p.life_stage",
        column="",
        choices=tuple(LifeStage.choices),
        personal=Personal.PERSONAL,
        group=True,
    ),
    attribute(
        "branch",
        _("Branch"),
        _("Home branch. In conditions a branch stands for its whole subtree."),
        Type.CHOICE,
        source="c.home_branch_id",
        column="home_branch",
        reference=Reference.BRANCH,
        group=True,
    ),
    attribute(
        "primary_rm",
        _("Relationship manager"),
        _("The relationship manager who owns the customer."),
        Type.CHOICE,
        source="c.primary_rm_id",
        reference=Reference.STAFF,
        group=True,
    ),
    attribute(
        "backup_rm",
        _("Backup"),
        _("Takes new leads while the relationship manager is away."),
        Type.CHOICE,
        source="c.backup_rm_id",
        reference=Reference.STAFF,
    ),
    attribute(
        "acquisition_channel",
        _("Acquisition channel"),
        _("Channel through which the customer came."),
        Type.TEXT,
        model_use=True,
        group=True,
        reasons={"high": _("Came through %(value)s"), "low": _("Came through %(value)s")},
    ),
    attribute(
        "acquisition_partner",
        _("Acquisition partner"),
        _("Partner who brought the customer."),
        Type.TEXT,
        group=True,
    ),
    attribute(
        "acquisition_scene",
        _("Acquisition scene"),
        _("Occasion at which the customer came, such as a shop, a payroll or an event."),
        Type.TEXT,
        group=True,
    ),
    attribute(
        "acquisition_cost",
        _("Acquisition cost"),
        _("What winning this customer cost."),
        Type.MONEY,
    ),
]

FIELDS = [*WHO, *RELATION]
