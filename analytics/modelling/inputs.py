"""Features that cannot do their work, named before anything is learned or scored.

Learning: a feature missing for everybody, or the same for everybody, teaches nothing; it is named on the model card and
left alone, and when no other remains nothing is learned. Scoring: a feature that was known while learning and is now
missing for all stops the run, so that the last good scores stay in use.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .matrix import FeatureSpec, check_matrix
from .sentences import ModellingRefusal, Sentence, gettext_noop
from .stability import Reference

# Missing for all but one in a hundred where at least half were known: the source has stopped, not the customers.
GONE, KNOWN = 0.99, 0.50
NAMED = 5


@dataclass(frozen=True, slots=True)
class Unusable:
    """A feature that says nothing about anybody: its position, name, and the sentence to show."""

    feature: int
    name: str
    sentence: Sentence


class NothingToLearnFrom(ModellingRefusal):
    """No feature varies; `features` lists why, one by one."""

    def __init__(self, features: Sequence[Unusable]) -> None:
        self.features = tuple(features)
        super().__init__(
            gettext_noop(
                "None of the %(n)s features differs between customers: there is nothing to learn from."
            ),
            n=len(features),
        )


class FeatureDisappeared(ModellingRefusal):
    """A feature the model knows is missing in what it is to score; `names` lists all of them."""

    def __init__(self, names: Sequence[str], template: str, /, **values: Any) -> None:
        self.names = tuple(names)
        super().__init__(template, **values)


def unusable(X: ArrayLike, specs: Sequence[FeatureSpec]) -> tuple[Unusable, ...]:
    """Features of the training rows X (n, features) without a value, or with one value and none missing."""
    matrix = check_matrix(X, specs)
    found = []
    for j, spec in enumerate(specs):
        missing = np.isnan(matrix[:, j])
        if missing.all():
            template = gettext_noop("%(label)s (%(name)s) is missing for everybody and teaches nothing.")
        elif not missing.any() and matrix[:, j].min() == matrix[:, j].max():
            template = gettext_noop("%(label)s (%(name)s) is the same for everybody and teaches nothing.")
        else:
            continue
        found.append(Unusable(j, spec.name, Sentence(template, {"label": spec.label, "name": spec.name})))
    return tuple(found)


def usable_or_refused(X: ArrayLike, specs: Sequence[FeatureSpec]) -> tuple[Unusable, ...]:
    """`unusable`; NothingToLearnFrom when that is all of them."""
    found = unusable(X, specs)
    if len(found) == len(specs):
        raise NothingToLearnFrom(found)
    return found


def refuse_disappeared(X: ArrayLike, specs: Sequence[FeatureSpec], references: Sequence[Reference]) -> None:
    """FeatureDisappeared for features of X (n, features) missing in 99 % of the rows, of which at least half were known
    while learning (`references`, as a fitted model keeps them). Unknown categories count as missing."""
    matrix = check_matrix(X, specs)
    if len(matrix):
        refuse_gone(np.isnan(matrix).mean(axis=0), specs, references)


def refuse_gone(missing: ArrayLike, specs: Sequence[FeatureSpec], references: Sequence[Reference]) -> None:
    """`refuse_disappeared` from the shares of missing values (features,) alone."""
    now = np.asarray(missing, dtype=np.float64)
    gone = [
        (spec, 100 * known.shares[-1], 100 * float(now[j]))
        for j, (spec, known) in enumerate(zip(specs, references, strict=True))
        if now[j] >= GONE and known.shares[-1] <= 1 - KNOWN
    ]
    if not gone:
        return
    spec, then, share = gone[0]
    template = (
        gettext_noop(
            "%(label)s (%(name)s) has disappeared: it is missing in %(now).1f %% of the rows, and was in "
            "%(then).1f %% when the model was trained."
        )
        if len(gone) == 1
        else gettext_noop(
            "%(n)s fields have disappeared: %(names)s. %(label)s (%(name)s) is missing in %(now).1f %% of the rows, "
            "and was in %(then).1f %% when the model was trained."
        )
    )
    names = [each.name for each, _, _ in gone]
    raise FeatureDisappeared(
        names,
        template,
        n=len(gone),
        names=", ".join(names),
        label=spec.label,
        name=spec.name,
        now=share,
        then=then,
    )


def refuse_absent(columns: Mapping[str, Any], specs: Sequence[FeatureSpec]) -> None:
    """FeatureDisappeared when raw columns lack some the specifications name: a file or a table without them."""
    names = [spec.name for spec in specs if spec.name not in columns]
    if names:
        raise FeatureDisappeared(
            names,
            gettext_noop("Fields the model needs are absent: %(names)s."),
            names=", ".join(names),
        )


def unseen_categories(
    columns: Mapping[str, Sequence[Any]], specs: Sequence[FeatureSpec]
) -> tuple[Sentence, ...]:
    """One sentence per categorical feature with values its specification does not list: which, and for how many rows.
    They are scored as missing."""
    found: list[Sentence] = []
    for spec in specs:
        if spec.kind != "categorical" or spec.name not in columns:
            continue
        values: NDArray[Any] = np.array(
            ["" if value is None else str(value) for value in columns[spec.name]], dtype=object
        )
        names, counts = np.unique(values, return_counts=True)
        found.extend(unseen_counted(spec, {str(name): int(n) for name, n in zip(names, counts, strict=True)}))
    return tuple(found)


def unseen_counted(spec: FeatureSpec, counted: Mapping[str, int]) -> tuple[Sentence, ...]:
    """`unseen_categories` of one feature from its values and their rows; "" is no value. Empty or one sentence."""
    strange = [(name, n) for name, n in counted.items() if name and name not in spec.categories]
    if not strange:
        return ()
    strange.sort(key=lambda pair: (-pair[1], pair[0]))
    template = gettext_noop(
        "%(label)s (%(name)s) has %(kinds)s values the model has not seen, in %(rows)s of %(n)s rows, scored as "
        "missing: %(values)s."
    )
    values = {
        "label": spec.label,
        "name": spec.name,
        "kinds": len(strange),
        "rows": sum(n for _, n in strange),
        "n": sum(counted.values()),
        "values": ", ".join(name for name, _ in strange[:NAMED]),
    }
    return (Sentence(template, values),)
