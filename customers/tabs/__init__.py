"""The tabs of Customer-360: what each one reads, as the context of its fragment."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from django.utils.translation import gettext_lazy

from customers.tabs.acquisition import acquisition
from customers.tabs.facts import attributes, behaviour, loyalty, needs
from customers.tabs.history import history
from customers.tabs.overview import overview
from customers.tabs.own import own_fields
from customers.tabs.portrait import portrait
from customers.tabs.seen import Seen, look
from customers.tabs.value import value

__all__ = ["TABS", "Seen", "look"]

# name in the URL → (label, what it reads); the second argument is the query of the URL
TABS: dict[str, tuple[Any, Callable[[Seen, Mapping[str, str]], dict[str, Any]]]] = {
    "overview": (gettext_lazy("Overview"), overview),
    "attributes": (gettext_lazy("Attributes"), attributes),
    "value": (gettext_lazy("Value"), value),
    "behaviour": (gettext_lazy("Behaviour"), behaviour),
    "needs": (gettext_lazy("Needs"), needs),
    "loyalty": (gettext_lazy("Loyalty"), loyalty),
    "portrait": (gettext_lazy("Portrait"), portrait),
    "acquisition": (gettext_lazy("Origin"), acquisition),
    "own": (gettext_lazy("Own fields"), own_fields),
    "history": (gettext_lazy("History"), history),
}
