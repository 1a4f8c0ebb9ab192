"""The audience builder: what is typed becomes a condition and comes back, counts follow, nothing is lost."""

from __future__ import annotations

import re

import pytest
from django.http import QueryDict
from django.urls import reverse

from analytics.models import Audience
from campaigns import audience_builder, lifecycle
from campaigns.models import Campaign
from tests.campaigns import factories
from tests.cast import login

pytestmark = pytest.mark.django_db

HTMX = {"HX-Request": "true"}
NESTED = {
    "all": [
        {"field": "age", "op": "between", "value": [30, 65]},
        {"field": "churn_wealth", "op": "at_most", "value": 0.25},
        {"field": "education", "op": "one_of", "value": ["master", "bachelor"]},
        {"field": "phone_is_wrong", "op": "is", "value": False},
        {"field": "opened_on", "op": "before", "value": "2024-01-31"},
        {"field": "opened_on", "op": "older_than_days", "value": 90},
        {"any": [{"field": "aum", "op": "at_least", "value": 50000}, {"field": "city", "op": "is_known"}]},
        {"none": [{"field": "contacted", "op": "is", "value": {"campaign": "autumn", "days": 60}}]},
    ]
}


@pytest.fixture
def draft(cast):
    factories.make_customers(100, cast.tree.n1, cast.rita)
    return factories.draft(cast)


def posted(root, **more):
    """What a browser sends of this tree."""
    data = QueryDict(mutable=True)
    parents = {child.key: item.key for item in root.walk() for child in item.children}
    for item in root.walk():
        data.appendlist("node", item.key)
        data[f"{item.key}-kind"], data[f"{item.key}-in"] = item.kind, parents.get(item.key, "")
        if item.is_row:
            for name, value in {
                "field": item.code, "op": item.op, "low": item.low, "high": item.high, "days": item.days,
                "campaign": item.campaign, "was": item.typed,
            }.items():  # fmt: skip
                data[f"{item.key}-{name}"] = value
            data.setlist(f"{item.key}-value", item.values)
    data["shape"] = audience_builder.shape(root)
    for name, value in more.items():
        data[name.replace("__", "-")] = value
    return data


def send(client, campaign, condition, **more):
    root = audience_builder.from_condition(condition)
    url = reverse("audience-edit", args=[campaign.pk])
    data = {"version": campaign.version} | more
    body = posted(root, **data)
    place = "http://testserver" + reverse("campaign-detail", args=[campaign.pk]) + "#arms"
    return client.post(
        url,
        body.urlencode(),
        content_type="application/x-www-form-urlencoded",
        headers=HTMX | {"HX-Current-URL": place},
    )


def figure(answer, element):
    """The number shown in the element with this id."""
    found = re.search(
        rf'id="{element}"[^>]*>(?:<span class="onlyph m">[^<]*</span>)?([^<]*)<', answer.content.decode()
    )
    assert found, element
    return found[1]


@pytest.mark.parametrize(
    "condition",
    [{}, NESTED, factories.EVERYBODY],
    ids=["empty", "nested", "one row"],
)
def test_a_condition_survives_the_form_unchanged(condition):
    root = audience_builder.from_condition(condition)
    again = audience_builder.from_form(posted(root))
    assert audience_builder.to_condition(again) == condition
    assert not audience_builder.unfinished(again)


def test_several_kinds_in_one_group_keep_their_meaning():
    condition = {"all": [NESTED["all"][0]], "none": [NESTED["all"][3]]}
    root = audience_builder.from_condition(condition)
    assert audience_builder.to_condition(root) == {"all": [NESTED["all"][0], {"none": [NESTED["all"][3]]}]}


def test_another_field_takes_its_own_operator_and_drops_the_old_value():
    root = audience_builder.from_condition({"all": [NESTED["all"][0]]})
    changed = audience_builder.from_form(posted(root, n1__field="education"))
    row = next(changed.rows())
    assert (row.code, row.op, row.low, row.high) == ("education", "is", "", "")


@pytest.mark.parametrize(
    ("field", "op", "typed", "stored"),
    [
        ("aum", "at_least", "50,000", 50000),
        ("aum", "at_least", "¥1,000.5", 1000.5),
        ("churn_wealth", "at_most", "0.3", 0.3),
        ("city", "one_of", "Shanghai, Suzhou", ["Shanghai", "Suzhou"]),
        ("customer_number", "one_of", "C1，C2", ["C1", "C2"]),
    ],
)
def test_numbers_and_lists_are_read_as_people_write_them(field, op, typed, stored):
    item = audience_builder.Item("row", code=field, op=op, values=[typed])
    assert audience_builder.row_value(item) == stored


def test_counts_stand_beside_every_row_and_in_all(cast, draft):
    condition = {
        "all": [
            {"field": "age", "op": "at_least", "value": 40},
            {
                "any": [
                    {"field": "age", "op": "at_most", "value": 49},
                    {"field": "age", "op": "at_least", "value": 60},
                ]
            },
            {"none": [{"field": "age", "op": "is", "value": 40}]},
        ]
    }
    answer = send(login(cast.mei), draft, condition, act="open:n1")
    # Ages 20 to 69, two customers of each.
    assert [figure(answer, f"n1-{what}") for what in ("alone", "left")] == ["60", "60"]
    assert [figure(answer, f"n2-{what}") for what in ("alone", "left")] == ["80", "40"]
    assert figure(answer, "n3-alone") == "60"
    assert figure(answer, "n5-left") == "38"
    assert figure(answer, "b-total") == "38"
    assert b"<svg" in answer.content


def test_a_changed_value_moves_counts_and_leaves_the_controls_alone(cast, draft):
    answer = send(login(cast.mei), draft, factories.EVERYBODY, n1__low="60")
    assert answer["HX-Reswap"] == "none"
    assert figure(answer, "b-total") == "20"
    assert b"<select" not in answer.content
    assert b'id="n1-below" hx-swap-oob' in answer.content
    assert b"hist" in answer.content


def test_rows_and_groups_come_and_go_and_the_rest_stays(cast, draft):
    client = login(cast.mei)
    added = send(client, draft, NESTED, act="add:n0", n0__find="AUM").content.decode()
    assert 'value="0.25"' in added
    assert re.search(r'<option value="aum" selected>', added.split('id="n12-field"')[1].split("</select>")[0])
    grouped = send(client, draft, factories.EVERYBODY, act="none:n0").content.decode()
    assert 'name="n2-kind"' in grouped
    removed = send(client, draft, NESTED, act="remove:n1").content.decode()
    assert 'value="0.25"' in removed
    assert 'value="65"' not in removed


def test_enter_in_the_search_field_adds_the_field_and_an_unknown_name_is_said_and_kept(cast, draft):
    client = login(cast.mei)
    assert b'id="n2-field"' in send(client, draft, factories.EVERYBODY, n0__find="children").content
    answer = send(client, draft, factories.EVERYBODY, n0__find="shoe size")
    assert answer.status_code == 422
    assert "No single field is called “shoe size”" in answer.content.decode()
    assert b'value="120"' in answer.content


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"n1__low": "old"}, "“old” is not a number."),
        ({"n1__low": "70", "n1__high": "30"}, "The first value is above the second."),
        ({"n1__low": ""}, "Choose a value, or remove the row."),
        ({"n1__field": "education"}, "Choose a value, or remove the row."),
        ({"n1__field": ""}, "Choose a field, or remove the row."),
    ],
)
def test_a_wrong_value_is_said_beside_its_row_and_nothing_is_saved(cast, draft, change, sentence):
    answer = send(login(cast.mei), draft, factories.EVERYBODY, act="save", **change)
    assert answer.status_code == 422
    assert sentence in answer.content.decode()
    if change.get("n1__low"):
        assert f'value="{change["n1__low"]}"' in answer.content.decode()
    unchanged = Campaign.objects.get(pk=draft.pk)
    assert (unchanged.version, unchanged.condition) == (1, factories.EVERYBODY)


def test_a_value_the_rules_refuse_stands_beside_its_row_and_the_others_are_counted(cast, draft):
    condition = {"all": [*factories.EVERYBODY["all"], {"field": "branch", "op": "is", "value": "nowhere"}]}
    answer = send(login(cast.mei), draft, condition, act="save")
    assert answer.status_code == 422
    assert b"nowhere does not exist." in answer.content
    assert figure(answer, "b-total") == "100"


def test_saving_changes_the_campaign_and_the_card_comes_back(cast, draft):
    answer = send(login(cast.mei), draft, factories.EVERYBODY, act="save", n1__low="30")
    assert answer.status_code == 200
    assert answer["HX-Retarget"] == "#audience-slot"
    assert "campaign-changed" in answer["HX-Trigger"]
    assert Campaign.objects.get(pk=draft.pk).condition["all"][0]["value"] == [30, 120]


def test_a_stale_builder_keeps_its_rows_and_shows_the_others_version(cast, draft):
    other = {"all": [{"field": "age", "op": "at_least", "value": 50}]}
    lifecycle.edit(draft, cast.mei, 1, condition=other)
    answer = send(login(cast.mei), draft, factories.EVERYBODY, act="save", n1__low="30")
    assert answer.status_code == 409
    page = answer.content.decode()
    assert "Age is at least 50" in page
    assert 'value="30"' in page
    assert 'name="version" value="2"' in page
    assert Campaign.objects.get(pk=draft.pk).condition == other


def test_others_read_the_audience_and_cannot_send_rows(cast, draft):
    for person in (cast.omar, cast.ana, cast.aud, cast.bao):
        assert login(person).get(reverse("audience-edit", args=[draft.pk]), headers=HTMX).status_code == 200
        assert send(login(person), draft, {}, act="save").status_code == 403
    assert send(login(cast.rita), draft, {}, act="save").status_code == 403
    assert Campaign.objects.get(pk=draft.pk).condition == factories.EVERYBODY


def test_save_as_audience_and_use_it(cast, draft):
    client = login(cast.mei)
    assert send(client, draft, NESTED, act="save-as", name="").status_code == 422
    answer = send(client, draft, factories.EVERYBODY, act="save-as", name="Adults")
    assert answer.status_code == 200
    saved = Audience.objects.get()
    assert (saved.name, saved.owner, saved.condition) == ("Adults", cast.mei, factories.EVERYBODY)
    taken = send(client, draft, factories.EVERYBODY, act="save-as", name="Adults")
    assert taken.status_code == 422
    assert "called “Adults” already" in taken.content.decode()
    used = send(client, draft, {}, act="use", saved=str(saved.pk)).content.decode()
    assert 'value="120"' in used
    inside = {"all": [{"field": f"audience:{saved.pk}", "op": "is"}]}
    assert figure(send(client, draft, inside, act="open:n1"), "b-total") == "100"


def test_a_saved_audience_is_edited_on_its_own_page_and_cannot_contain_itself(cast, draft):
    saved = Audience.objects.create(name="Adults", condition=factories.EVERYBODY, owner=cast.mei)
    url, client = reverse("audience-detail", args=[saved.pk]), login(cast.ana)
    root = audience_builder.from_condition({"all": [{"field": "age", "op": "at_least", "value": 25}]})
    client.post(url, posted(root, act="save-as", name="Grown-ups").urlencode(),
                content_type="application/x-www-form-urlencoded")  # fmt: skip
    saved.refresh_from_db()
    assert (saved.name, saved.version) == ("Grown-ups", 2)
    itself = audience_builder.from_condition({"all": [{"field": f"audience:{saved.pk}", "op": "is"}]})
    answer = client.post(url, posted(itself, act="save-as", name="Grown-ups").urlencode(),
                         content_type="application/x-www-form-urlencoded")  # fmt: skip
    assert answer.status_code == 422
    assert "contain itself" in answer.content.decode()
    saved.refresh_from_db()
    assert saved.version == 2
    assert login(cast.omar).post(url, {"act": "save-as"}).status_code == 403


def test_the_preview_shows_twenty_masked_and_only_what_one_may_see(cast, draft):
    factories.make_customers(30, cast.tree.s1, cast.raj, prefix="S")
    url = reverse("audience-preview", args=[draft.pk])
    page = login(cast.mei).get(url, headers=HTMX).content.decode()
    assert page.count("<tr>") == 21
    assert "138****" in page
    assert "1380000" not in page
    branch = login(cast.bao).get(url, headers=HTMX).content.decode()
    assert "Region" not in branch
    factories.run_sql(
        "UPDATE customers_customer SET home_branch_id = %s WHERE number LIKE 'C%%'", cast.tree.s1.pk
    )
    assert "Nobody in your sight" in login(cast.bao).get(url, headers=HTMX).content.decode()


def test_without_profiles_the_builder_says_what_to_do_first(cast, draft):
    factories.run_sql("DELETE FROM customers_customerprofile")
    answer = login(cast.mei).get(reverse("audience-edit", args=[draft.pk]), headers=HTMX)
    assert b"No customer data yet" in answer.content
