"""Sentences this package hands to people, kept apart from their figures so that pages can translate them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


def gettext_noop(message: str) -> str:
    """Mark `message` for `makemessages`, which looks for this name; return it unchanged."""
    return message


@dataclass(frozen=True, slots=True)
class Sentence:
    """A translatable template (`%(name)s` style) and its values; `str()` gives the English text.

    A page shows `gettext(sentence.template) % sentence.values`.
    """

    template: str
    values: Mapping[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        return self.template % self.values


class ModellingRefusal(ValueError):
    """A model, split or artefact was refused; `sentence` says why and what is needed."""

    def __init__(self, template: str, **values: Any) -> None:
        self.sentence = Sentence(template, values)
        super().__init__(str(self.sentence))
