"""No address answers with a bare fragment: what was typed or kept opens as a page."""

from __future__ import annotations

from collections import Counter
from urllib.parse import urljoin, urlsplit

import pytest
from django.test import Client
from django.urls import Resolver404, resolve, reverse

from campaigns.models import Campaign
from tests.cast import Cast, login
from tests.platform import test_read_only_pages
from tests.platform.test_read_only_pages import TYPED, Page

pytestmark = pytest.mark.django_db
bank = test_read_only_pages.bank
EACH = 2


def bare(client: Client) -> tuple[list[str], set[str]]:
    """(addresses answered without a frame, names of the routes asked): two addresses of every route links lead to."""
    found: list[str] = []
    asked: Counter[str] = Counter()
    waiting = ["/", *TYPED]
    seen = set(waiting)
    while waiting:
        address = waiting.pop(0)
        try:
            name = resolve(urlsplit(address).path).url_name or ""
        except Resolver404:
            continue
        asked[name] += 1
        if asked[name] > EACH:
            continue
        answer = client.get(address)
        if not answer.get("Content-Type", "").startswith("text/html"):
            continue
        html = answer.content.decode()
        if answer.status_code == 200 and not html.lstrip().lower().startswith("<!doctype html>"):
            found.append(address)
        links = [urlsplit(urljoin(address, answer["Location"]))] if answer.status_code == 302 else []
        for link in [*links, *Page(html, address).links]:
            further = link.path + (f"?{link.query}" if link.query else "")
            if not link.netloc and further.startswith("/") and further not in seen:
                seen.add(further)
                waiting.append(further)
    return found, set(asked)


@pytest.mark.parametrize("name", ["mei", "aud"])
def test_every_address_opens_as_a_page(cast: Cast, bank: None, name: str) -> None:
    found, asked = bare(login(getattr(cast, name)))
    assert found == []
    assert {"campaign-rail", "campaign-history", "audience-preview", "evaluation-report"} <= asked


def test_a_fragment_opens_in_a_frame_that_leads_to_its_page(cast: Cast, bank: None) -> None:
    client, pk = login(cast.mei), Campaign.objects.get(code="running").pk
    address = reverse("campaign-rail", args=[pk])
    fragment = client.get(address, headers={"HX-Request": "true"}).content.decode()
    assert fragment.startswith("<aside")
    page = client.get(address).content.decode()
    assert fragment[: fragment.index("hx-get")] in page
    assert f'<a href="{reverse("campaign-detail", args=[pk])}">Show the whole page</a>' in page
    # Nothing is under way, so the poll has nothing to say.
    idle = client.get(reverse("campaign-work", args=[pk]))
    assert (idle.status_code, idle["Location"]) == (302, reverse("campaign-detail", args=[pk]))


def test_the_audience_of_a_running_campaign_leads_to_the_campaign(cast: Cast, bank: None) -> None:
    client, pk = login(cast.mei), Campaign.objects.get(code="running").pk
    address = reverse("audience-edit", args=[pk])
    assert client.get(address)["Location"] == f"{reverse('campaign-detail', args=[pk])}#audience"
    assert client.get(address, headers={"HX-Request": "true"}).content.startswith(b'<p class="lead">')
