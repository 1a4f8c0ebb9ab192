"""Month-end profiles are built by a run: every night for a new month, or when somebody asks."""

import datetime as dt

import pytest
from django.core.exceptions import PermissionDenied

from bankcrm import runs
from bankcrm.models import Run
from customers import profile
from customers.models import CustomerProfile, Product
from tests import facts
from tests.cast import Cast, login

pytestmark = pytest.mark.django_db
OCTOBER = dt.date(2026, 10, 31)


def with_data(cast: Cast) -> None:
    customer = facts.customer(home_branch=cast.tree.n1, primary_rm=cast.rita)
    facts.balance(customer, facts.make_products()["current"], 5000, OCTOBER)


def nightly() -> Run:
    (run,) = [run for run in runs.start_daily() if run.kind == "customers.profile"]
    runs.execute(run.pk)
    run.refresh_from_db()
    return run


def test_the_night_builds_the_newest_month_that_has_data_and_asks_once_a_day(cast: Cast) -> None:
    with_data(cast)
    run = nightly()
    assert (run.state, run.result["month"], run.result["customers"]) == ("done", "2026-10-31", 1)
    assert profile.latest_month() == OCTOBER
    assert runs.start_daily() == []


def test_a_month_that_is_built_is_left_alone_at_night(cast: Cast) -> None:
    with_data(cast)
    profile.build(OCTOBER)
    CustomerProfile.objects.update(age=99)
    assert nightly().result["customers"] == 0
    assert CustomerProfile.objects.get().age == 99


def test_who_comes_in_after_the_build_has_figures_after_the_night(cast: Cast) -> None:
    with_data(cast)
    profile.build(OCTOBER)
    late = facts.customer(
        "Late", opened_on=dt.date(2023, 5, 1), home_branch=cast.tree.n1, primary_rm=cast.rita
    )
    facts.customer("New", opened_on=dt.date(2026, 11, 2), home_branch=cast.tree.n1)
    page = login(cast.rita).get(f"/customers/{late.pk}/").content.decode()
    assert "came in after that month was built" in page
    run = nightly()
    assert run.result["sentence"].replace("\u00a0", " ") == "Profiles of Sat 31 Oct are built: 2 customers."
    assert not profile.misses_somebody(OCTOBER)
    assert "came in after" not in login(cast.rita).get(f"/customers/{late.pk}/").content.decode()


def test_a_balance_that_comes_in_after_the_build_is_counted_after_the_night(cast: Cast) -> None:
    with_data(cast)
    late = facts.customer("Late", opened_on=dt.date(2023, 5, 1), home_branch=cast.tree.n1)
    product = Product.objects.get(code="fund-mixed")
    facts.holding(late, product)
    facts.balance(late, product, 5_000, dt.date(2026, 9, 30))
    profile.build(OCTOBER)
    assert nightly().result["customers"] == 0
    facts.balance(late, product, 7_000)
    assert profile.was_before_its_balances(OCTOBER)
    Run.objects.all().delete()
    assert nightly().result["customers"] == 2
    assert CustomerProfile.objects.get(month=OCTOBER, customer=late).aum == 7_000
    assert not profile.was_before_its_balances(OCTOBER)


def test_without_data_the_night_builds_nothing(cast: Cast) -> None:
    assert nightly().result["customers"] == 0
    assert not CustomerProfile.objects.exists()


def test_a_month_that_is_not_over_is_not_the_newest_month(cast: Cast) -> None:
    customer = facts.customer("Li Lei", home_branch=cast.tree.n1)
    facts.transaction(customer, -20, dt.date(2026, 11, 12))
    assert profile.newest_data() == OCTOBER


def test_an_administrator_asks_for_it_on_the_page_and_a_relationship_manager_cannot(cast: Cast) -> None:
    with_data(cast)
    page = login(cast.ada).get("/imports/").content.decode()
    assert "Build Sat 31 Oct" in page
    answer = login(cast.ada).post("/profiles/build/")
    run = Run.objects.get(kind="customers.profile")
    assert answer.url == f"/work/{run.pk}/"
    assert (run.requested_by, run.arguments) == (cast.ada, {"month": "2026-10-31"})
    assert login(cast.rita).post("/profiles/build/").status_code == 403
    assert login(cast.aud).post("/profiles/build/").status_code == 403
    with pytest.raises(PermissionDenied):
        runs.request("customers.profile", cast.rita)


def test_without_data_the_page_says_what_to_bring(cast: Cast) -> None:
    page = login(cast.ada).post("/profiles/build/", follow=True).content.decode()
    assert "bring balances or transactions first" in page
    assert not Run.objects.exists()
