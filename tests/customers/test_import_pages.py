"""The way of a file through the pages, and who may walk it."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from bankcrm import runs
from bankcrm.models import AuditEvent, Run
from campaigns.models import Campaign
from customers.imports.reject_file import as_text
from customers.models import Customer, ImportFile
from tests.cast import Cast, login
from tests.customers.imports_world import product

pytestmark = pytest.mark.django_db
ROWS = b"number,name,children,branch\nC1,Wang Fang,2,N1\nC2,Li Lei,many,N1\n=C3,Han,1,NOWHERE\n"


@pytest.fixture(autouse=True)
def own_files(tmp_path: Path, settings) -> None:
    settings.MEDIA_ROOT = tmp_path / "media"


def upload(client, data: bytes = ROWS, kind: str = "customers", name: str = "clients.csv", **more):
    return client.post(
        reverse("import-upload"), {"kind": kind, "file": SimpleUploadedFile(name, data), **more}, follow=True
    )


def filled(page) -> dict[str, str]:
    """The mapping form as the page proposes it."""
    form = page.context["form"]
    return {field.html_name: field.value() or "" for field in form if field.value() is not False}


def work() -> Run:
    run = Run.objects.filter(state=Run.State.QUEUED).get()
    runs.execute(run.pk)
    run.refresh_from_db()
    return run


def test_a_file_goes_from_upload_to_the_customer_list(cast: Cast) -> None:
    client = login(cast.ana)
    page = upload(client)
    file = ImportFile.objects.get()
    assert page.redirect_chain[-1][0] == reverse("import-map", args=[file.pk])
    assert "Wang Fang" in page.content.decode()
    answer = client.post(reverse("import-map", args=[file.pk]), filled(page), follow=True)
    assert reverse("run-state", args=[Run.objects.get().pk]) in answer.content.decode()
    assert not Customer.objects.exists()
    assert work().state == Run.State.DONE
    page = client.get(reverse("import-detail", args=[file.pk]))
    text = page.content.decode()
    assert "Let 1 row in" in text
    assert "no branch" not in text
    assert "“many” is not a number." in text
    assert "No branch has the code or the name “NOWHERE”." in text
    client.post(reverse("import-merge", args=[file.pk]))
    assert work().state == Run.State.DONE
    assert [customer.number for customer in Customer.objects.all()] == ["C1"]
    assert "The good rows are in" in client.get(reverse("import-detail", args=[file.pk])).content.decode()
    assert "clients.csv" in client.get(reverse("import-list")).content.decode()


def test_the_page_of_a_running_import_reloads_itself_when_the_work_ends(cast: Cast) -> None:
    client = login(cast.ana)
    page = upload(client)
    file = ImportFile.objects.get()
    client.post(reverse("import-map", args=[file.pk]), filled(page))
    address, asking = reverse("import-detail", args=[file.pk]), {"HX-Request": "true"}
    answer = client.get(address, headers=asking)
    assert (answer.status_code, answer.has_header("HX-Refresh")) == (204, False)
    work()
    assert client.get(address, headers=asking)["HX-Refresh"] == "true"


def test_the_same_file_again_says_so_and_changes_nothing(cast: Cast) -> None:
    client = login(cast.ana)
    file_page = upload(client)
    file = ImportFile.objects.get()
    client.post(reverse("import-map", args=[file.pk]), filled(file_page))
    work()
    client.post(reverse("import-merge", args=[file.pk]))
    work()
    again = upload(client, name="other-name.csv")
    assert "This very file is in already" in again.content.decode()
    assert ImportFile.objects.count() == 1
    colleague = upload(login(cast.ada))
    assert "This very file is in already" in colleague.content.decode()


def test_a_refused_file_says_why_on_the_form(cast: Cast) -> None:
    page = upload(login(cast.ana), b"%PDF-1.7")
    assert page.status_code == 422
    assert "This is a PDF. Ask for the table as .xlsx or CSV." in page.content.decode()
    assert upload(login(cast.ana), b"").status_code == 422
    assert not ImportFile.objects.exists()


def test_a_missing_required_column_is_named_and_no_work_starts(cast: Cast) -> None:
    client = login(cast.ana)
    page = upload(client, b"naam,stad\nA,Rome\n")
    file = ImportFile.objects.get()
    answer = client.post(reverse("import-map", args=[file.pk]), filled(page))
    assert answer.status_code == 422
    assert "No column gives: Customer number." in answer.content.decode()
    assert not Run.objects.exists()


def test_rejects_download_as_text_that_no_spreadsheet_runs(cast: Cast) -> None:
    client = login(cast.ana)
    page = upload(client)
    file = ImportFile.objects.get()
    client.post(reverse("import-map", args=[file.pk]), filled(page))
    work()
    answer = client.get(reverse("import-rejects", args=[file.pk]))
    lines = b"".join(answer.streaming_content).decode("utf-8-sig").splitlines()
    assert lines == [
        "number,name,children,branch,rejected line,rejected because",
        "C2,Li Lei,many,N1,3,children: “many” is not a number.",
        "'=C3,Han,1,NOWHERE,4,branch: No branch has the code or the name “NOWHERE”.",
    ]
    assert AuditEvent.objects.filter(action="import.rejects_downloaded", actor=cast.ana).exists()


@pytest.mark.parametrize("cell", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\n=1", "＝1+1", "＠SUM(A1)"])
def test_a_cell_a_spreadsheet_would_run_gets_an_apostrophe(cell: str) -> None:
    assert as_text(cell) == f"'{cell}"
    assert as_text(f"Han {cell}") == f"Han {cell}"


def test_an_unchecked_file_does_not_go_in(cast: Cast) -> None:
    client = login(cast.ana)
    upload(client)
    file = ImportFile.objects.get()
    answer = client.post(reverse("import-merge", args=[file.pk]), follow=True)
    assert "Only a checked file can go in" in answer.content.decode()
    assert not Run.objects.exists()


def test_files_are_seen_by_who_brought_them_administrators_and_auditors(cast: Cast) -> None:
    upload(login(cast.ana))
    file = ImportFile.objects.get()
    other = cast.ana.__class__.objects.create_user(
        "amy", employee_number="E-amy", full_name="Amy", role="analyst", branch=cast.tree.n1
    )
    address = reverse("import-detail", args=[file.pk])
    assert login(other).get(address).status_code == 404
    assert login(other).get(reverse("import-rejects", args=[file.pk])).status_code == 404
    assert login(cast.mei).get(address).status_code == 403
    for user in (cast.ana, cast.ada, cast.aud):
        assert login(user).get(address).status_code == 200
    assert login(cast.aud).post(reverse("import-check", args=[file.pk])).status_code == 403


def test_an_analyst_finds_no_staff_in_the_choice_and_may_not_go_on_with_an_administrators_staff_file(
    cast: Cast,
) -> None:
    data = b"employee_number,username,full_name,role,branch\nE1,zoe,Zoe,rm,N1\n"
    assert upload(login(cast.ana), data, kind="staff").status_code == 422
    upload(login(cast.ada), data, kind="staff")
    file = ImportFile.objects.get()
    ImportFile.objects.update(uploaded_by=cast.ana)
    assert login(cast.ana).post(reverse("import-check", args=[file.pk])).status_code == 403
    assert not Run.objects.exists()


def test_a_past_campaign_is_told_on_the_page_and_leads_to_its_evaluation(cast: Cast) -> None:
    product()
    Customer.objects.create(number="C1", name="A")
    Customer.objects.create(number="C2", name="B")
    client = login(cast.ana)
    page = upload(client, b"customer,arm,converted,shoe\nC1,A,yes,41\nC2,none,no,42\n", kind="campaign")
    file = ImportFile.objects.get()
    told = filled(page) | {
        "campaign_name": "Spring",
        "campaign_code": "spring",
        "campaign_product": "savings",
        "campaign_control_cells": "none",
        "campaign_is_random": "on",
        "constant_assigned_on": "2025-03-01",
    }
    wrong = client.post(reverse("import-map", args=[file.pk]), told | {"constant_assigned_on": "1 March"})
    assert "Write the day as 2024-12-31." in wrong.content.decode()
    answer = client.post(reverse("import-map", args=[file.pk]), told)
    assert answer.status_code == 302, answer.context["form"].errors
    assert work().state == Run.State.DONE
    client.post(reverse("import-merge", args=[file.pk]))
    assert work().state == Run.State.DONE
    campaign = Campaign.objects.get(code="spring", state="imported")
    text = client.get(reverse("import-detail", args=[file.pk])).content.decode()
    assert reverse("evaluation-report", args=[campaign.pk]) in text


def test_a_branch_that_all_rows_share_is_chosen_by_name_and_a_missing_one_is_warned_of(cast: Cast) -> None:
    client = login(cast.ana)
    page = upload(client, b"number,name\nC1,Wang\nC2,Li\n")
    assert '<option value="N1">Branch North 1 (N1)</option>' in page.content.decode()
    file, told = ImportFile.objects.get(), filled(page)
    address = reverse("import-map", args=[file.pk])
    client.post(address, told)
    assert work().state == Run.State.DONE
    detail = reverse("import-detail", args=[file.pk])
    text = client.get(detail).content.decode()
    assert "2 customers have no branch: only head office sees them." in text
    assert "Let 2 rows in" in text
    assert client.post(address, told | {"constant_branch": "NOWHERE"}).status_code == 422
    client.post(address, told | {"constant_branch": "N1"})
    assert work().state == Run.State.DONE
    assert "no branch" not in client.get(detail).content.decode()


def test_customers_who_have_a_branch_already_keep_it_and_are_not_warned_of(cast: Cast) -> None:
    Customer.objects.create(number="C1", name="Wang", home_branch=cast.tree.n1)
    client = login(cast.ana)
    page = upload(client, b"number,name\nC1,Wang\nC2,Li\n")
    file = ImportFile.objects.get()
    client.post(reverse("import-map", args=[file.pk]), filled(page))
    work()
    text = client.get(reverse("import-detail", args=[file.pk])).content.decode()
    assert "1 customer has no branch: only head office sees them." in text
