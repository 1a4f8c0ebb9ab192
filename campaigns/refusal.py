"""Why a readout gives no figure: the reason, what would be needed, and by when."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum

from django.utils.formats import date_format
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext

MIN_PER_ARM = 30
MIN_CONVERSIONS = 5
MIN_BUYERS = 10


class Code(StrEnum):
    NO_CONTROL = "no_control"
    ARM_TOO_SMALL = "arm_too_small"
    TOO_FEW_CONVERSIONS = "too_few_conversions"
    ZERO_EVENTS = "zero_events"
    SAMPLE_RATIO_MISMATCH = "sample_ratio_mismatch"
    WINDOW_OPEN = "window_open"
    DATA_NOT_THROUGH_END = "data_not_through_end"
    NOT_RANDOM = "not_random"
    OUTCOME_SOURCE_MISSING = "outcome_source_missing"
    TOO_FEW_BUYERS = "too_few_buyers"
    CONTACT_DIFFERENCE_SMALL = "contact_difference_small"
    NO_COST = "no_cost"


# Message ids, translated when shown: a refusal may be stored and read in another language.
_REASON: dict[Code, tuple[Promise, Promise]] = {
    Code.NO_CONTROL: (
        _("No control group was withheld, so no effect can be claimed."),
        _("A random control group, withheld before the first contact of the next run."),
    ),
    Code.ARM_TOO_SMALL: (
        _("Arm %(arm)s has %(n)s customers, fewer than %(minimum)s."),
        _("At least %(minimum)s customers in every arm, or a pool of campaigns of the same offer."),
    ),
    Code.TOO_FEW_CONVERSIONS: (
        _("Fewer than %(minimum)s conversions in total, treated and control together: %(n)s."),
        _("At least %(minimum)s conversions: a larger campaign, or a pool of campaigns of the same offer."),
    ),
    Code.ZERO_EVENTS: (
        _("Nobody converted in any arm."),
        _("At least %(minimum)s conversions; check first that the outcome file was loaded."),
    ),
    Code.SAMPLE_RATIO_MISMATCH: (
        _("The arm sizes differ from the design beyond chance (p %(p)s), so the arms are not comparable."),
        _("The cause of the missing or doubled customers, corrected, or a new random assignment."),
    ),
    Code.WINDOW_OPEN: (
        _("The attribution window is still open."),
        _("The end of the window, with data loaded through its last day."),
    ),
    Code.DATA_NOT_THROUGH_END: (
        _("Outcome data end on %(through)s, before the attribution window does."),
        _("Outcome data through %(end)s."),
    ),
    Code.NOT_RANDOM: (
        _("Customers were not assigned at random, so a difference may have been there before the campaign."),
        _("A random assignment, frozen at launch, in the next run."),
    ),
    Code.OUTCOME_SOURCE_MISSING: (
        _("No outcome source is connected for this objective."),
        _("The holdings or responses that show the objective, treated and control alike."),
    ),
    Code.TOO_FEW_BUYERS: (
        _("Fewer than %(minimum)s buyers in one arm (%(n)s): too few for an interval of money."),
        _("At least %(minimum)s buyers in every arm."),
    ),
    Code.CONTACT_DIFFERENCE_SMALL: (
        _("The arms were contacted too alike to estimate the effect of a contact."),
        _(
            "A contact rate at least 10 points higher among the treated than in control, with F of 10 or more."
        ),
    ),
    Code.NO_COST: (
        _("No cost was recorded, so there is no return on it."),
        _("The cost of the campaign."),
    ),
}

# Reasons that more customers would not mend; the others are a matter of numbers.
_WORD: Mapping[Code, str | Promise] = {
    Code.NO_CONTROL: _("Nothing to compare with."),
    Code.NOT_RANDOM: _("No fair comparison."),
    Code.SAMPLE_RATIO_MISMATCH: _("No fair comparison."),
    Code.WINDOW_OPEN: _("Too early."),
    Code.DATA_NOT_THROUGH_END: _("Too early."),
    Code.OUTCOME_SOURCE_MISSING: _("Nothing to measure by."),
}


@dataclass(frozen=True, slots=True)
class Refusal:
    """A reason not to give a figure; `sentence` and `needed` are translated when read.

    `figures` fills both messages and holds days and, for numbers, the text shown; `by_when` is the date the need must
    be met, None when no date helps.
    """

    code: Code
    figures: Mapping[str, str | date] = field(default_factory=dict)
    by_when: date | None = None

    @property
    def word(self) -> str:
        """What stands before the sentence in the place of the figure."""
        return str(_WORD.get(self.code, _("Not enough data.")))

    @property
    def sentence(self) -> str:
        return str(_REASON[self.code][0]) % self._shown

    @property
    def needed(self) -> str:
        return str(_REASON[self.code][1]) % self._shown

    @property
    def _shown(self) -> dict[str, str]:
        form = pgettext("date", "D j M Y")
        return {
            name: date_format(value, form) if isinstance(value, date) else value
            for name, value in self.figures.items()
        }
