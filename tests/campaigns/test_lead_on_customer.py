"""The open lead of a customer stands in the first line of Customer-360: it is what there is to offer."""

from __future__ import annotations

import pytest
from django.urls import reverse

from campaigns.models import Lead
from tests.campaigns import factories
from tests.cast import Cast, login

pytestmark = pytest.mark.django_db


def test_an_open_lead_is_what_there_is_to_offer(cast: Cast) -> None:
    factories.make_customers(1, cast.tree.n1, cast.rita)
    factories.pushed(cast, control_share="0")
    lead = Lead.objects.get()
    address, htmx = reverse("customer-leads", args=[lead.customer_id]), {"HX-Request": "true"}
    client = login(cast.rita)
    shown = client.get(address, headers=htmx).content.decode()
    assert 'id="to-offer" hx-swap-oob="innerHTML"' in shown
    assert reverse("lead-detail", args=[lead.pk]) in shown.partition("to-offer")[2]
    assert 'id="to-offer"' in client.get(reverse("customer-detail", args=[lead.customer_id])).content.decode()
    # Beside a lead there is no such cell.
    assert "to-offer" not in client.get(address, headers=htmx | {"HX-Target": "tab360"}).content.decode()
    Lead.objects.update(state="closed")
    assert "to-offer" not in client.get(address, headers=htmx).content.decode()
