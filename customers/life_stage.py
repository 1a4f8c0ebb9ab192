"""The life stage: rules tried in order, each with the SQL that decides and the sentence that says so (S1.1).

The aliases are those of ``profile_sql``: ``c`` the customer, ``x.age``, ``h.has_loan`` (a loan is open),
``q.has_pension`` (a pension came in within three months). Children's own ages are not known; the parent's stands in.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.utils.functional import lazy
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from customers.grades import LifeStage

if TYPE_CHECKING:
    from django.utils.functional import _StrPromise

RETIRED_WORDS = ("retired", "pensioner", "退休", "离退休")
STUDENT_WORDS = ("student", "学生")


@dataclass(frozen=True, slots=True)
class StageRule:
    """One line of the rule: the first whose condition holds names the stage."""

    stage: LifeStage
    when: str
    sentence: _StrPromise


def _says(words: tuple[str, ...]) -> str:
    listed = ", ".join(f"'{word}'" for word in words)
    return f"lower(c.occupation) IN ({listed})"


def meaning() -> str:
    """The rule as one paragraph, in the language of the reader."""
    said = "; ".join(f"{rule.stage.label}: {rule.sentence}" for rule in RULES)
    return gettext(
        "The first that fits. %(rules)s. Unknown for firms and without an age. No model uses it, because it contains"
        " children and marital status."
    ) % {"rules": said}


MARRIED = "c.marital_status = 'married'"
CHILDREN = "coalesce(c.children, 0) > 0"

RULES = (
    StageRule(
        LifeStage.RETIRED,
        f"x.age >= 65 OR (x.age >= 50 AND (coalesce(q.has_pension, false) OR {_says(RETIRED_WORDS)}))",
        _("65 or older; or 50 or older with a pension in three months or retired by occupation"),
    ),
    StageRule(
        LifeStage.EMPTY_NEST,
        f"x.age >= 55 AND ({CHILDREN} OR {MARRIED})",
        _("55 to 64, married or with children"),
    ),
    StageRule(LifeStage.PRE_RETIREMENT, "x.age >= 55", _("55 to 64, neither married nor with children")),
    StageRule(LifeStage.FAMILY_OLDER, f"{CHILDREN} AND x.age >= 40", _("40 to 54 with children")),
    StageRule(LifeStage.FAMILY_SMALL, CHILDREN, _("under 40 with children")),
    StageRule(
        LifeStage.STUDENT, f"x.age < 30 AND {_says(STUDENT_WORDS)}", _("under 30, student by occupation")
    ),
    StageRule(
        LifeStage.BUILDING,
        "x.age < 40 AND coalesce(h.has_loan, false)",
        _("under 40 without children, with a loan"),
    ),
    StageRule(
        LifeStage.YOUNG_COUPLE, f"x.age < 40 AND {MARRIED}", _("under 40, married, no children, no loan")
    ),
    StageRule(LifeStage.YOUNG, "x.age < 30", _("under 30, not married, no children, no loan")),
    StageRule(LifeStage.SETTLED, "true", _("everybody else: 30 to 54 without children")),
)
MEANING = lazy(meaning, str)()
UNKNOWN = "c.kind = 'firm' OR x.age IS NULL"

SQL = (
    f"CASE WHEN {UNKNOWN} THEN '' "
    + " ".join(f"WHEN {rule.when} THEN '{rule.stage.value}'" for rule in RULES)
    + " END"
)
