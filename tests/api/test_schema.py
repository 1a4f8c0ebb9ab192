"""The OpenAPI schema: complete, without warnings, with names that stay."""

from __future__ import annotations

import json

import pytest
from django.core.management import call_command
from drf_spectacular.drainage import GENERATOR_STATS

from tests.cast import login

OPERATIONS = {
    "asset_weights_change",
    "asset_weights_list",
    "asset_weights_undo",
    "asset_weights_versions",
    "branches_list",
    "acquisition_cohorts",
    "campaigns_approve",
    "campaigns_cancel",
    "campaigns_close",
    "campaigns_create",
    "campaigns_evaluation",
    "campaigns_list",
    "campaigns_push",
    "campaigns_recall",
    "campaigns_retrieve",
    "campaigns_select",
    "campaigns_send_back",
    "campaigns_submit",
    "campaigns_update",
    "campaigns_withdraw",
    "costs_change",
    "costs_list",
    "costs_undo",
    "costs_versions",
    "customer_fields_list",
    "customers_backup",
    "customers_portfolio",
    "customers_balances",
    "customers_consents",
    "customers_consents_record",
    "customers_consents_undo",
    "customers_consumer_finance",
    "customers_contacts",
    "customers_holdings",
    "customers_list",
    "customers_peers",
    "customers_portrait",
    "customers_profiles",
    "customers_quiet_period_create",
    "customers_quiet_period_lift",
    "customers_quiet_periods",
    "customers_responses",
    "customers_retrieve",
    "customers_reveal",
    "customers_search",
    "customers_tier_changes",
    "customers_timeline",
    "customers_transactions",
    "customers_worth_knowing",
    "imports_check",
    "imports_confirm",
    "imports_create",
    "imports_list",
    "imports_map",
    "imports_mapping",
    "imports_rejects",
    "imports_rejects_csv",
    "imports_report",
    "imports_retrieve",
    "imports_undo",
    "imports_undo_preview",
    "imports_update",
    "leads_claim",
    "leads_list",
    "leads_outcome",
    "leads_outcome_undo",
    "leads_release",
    "leads_retrieve",
    "leads_snooze",
    "leave_cancel",
    "leave_create",
    "leave_list",
    "leave_retrieve",
    "leave_update",
    "margins_change",
    "margins_list",
    "margins_undo",
    "margins_versions",
    "products_create",
    "products_list",
    "products_retrieve",
    "products_update",
    "root",
    "runs_cancel",
    "runs_list",
    "runs_retrieve",
    "special_days_create",
    "special_days_list",
    "special_days_remove",
    "staff_list",
    "tier_changes_list",
    "tiers_change",
    "tiers_list",
    "tiers_preview",
    "tiers_undo",
    "tiers_versions",
    "token_create",
    "token_retrieve",
    "token_revoke",
    "transfers_cancel",
    "transfers_list",
    "transfers_order",
    "transfers_preview",
    "transfers_retrieve",
    "transfers_undo",
}


@pytest.fixture(scope="module")
def schema(tmp_path_factory):
    path = tmp_path_factory.mktemp("schema") / "schema.json"
    call_command(
        "spectacular", "--fail-on-warn", "--validate", "--format", "openapi-json", "--file", str(path)
    )
    return json.loads(path.read_text())


def operations(schema):
    return [
        (path, method, operation)
        for path, item in schema["paths"].items()
        for method, operation in item.items()
    ]


def test_the_schema_is_valid_and_nothing_in_it_had_to_be_guessed(schema):
    assert not GENERATOR_STATS
    assert schema["info"]["title"] == "bankcrm"


def test_the_names_of_the_operations_are_a_promise(schema):
    assert {operation["operationId"] for _p, _m, operation in operations(schema)} >= OPERATIONS


def test_every_operation_is_described_and_says_how_it_refuses(schema):
    for path, method, operation in operations(schema):
        told = f"{method} {path}"
        assert operation.get("description"), told
        assert {"400", "401", "403"} <= operation["responses"].keys(), told
        assert "{" not in path or "404" in operation["responses"], told
        if method != "get":
            assert {"409", "422"} <= operation["responses"].keys(), told
    nobody = schema["paths"]["/api/v1/campaigns/{id}/evaluation/"]["get"]["responses"]["422"]
    assert nobody["description"] == "Nobody was assigned yet."
    assert nobody["content"].keys() == {"application/problem+json"}
    assert schema["components"]["schemas"]["Problem"]["required"] == ["code", "detail", "kept"]


def test_every_unsafe_operation_documents_its_key_but_those_that_give_out_secrets(schema):
    without = {
        operation["operationId"]
        for _path, method, operation in operations(schema)
        if method != "get"
        and "Idempotency-Key" not in {parameter["name"] for parameter in operation.get("parameters", [])}
    }
    assert without == {"token_create", "token_revoke", "customers_search", "customers_reveal"}


def test_lists_document_their_filters(schema):
    def filters(path):
        return {parameter["name"] for parameter in schema["paths"][path]["get"]["parameters"]}

    assert {"state", "product", "owner", "cursor", "page_size", "order"} <= filters("/api/v1/campaigns/")
    assert {"state", "campaign", "due", "waiting", "cursor", "page_size"} <= filters("/api/v1/leads/")
    assert {"branch", "rm", "tier", "cursor", "page_size"} <= filters("/api/v1/customers/")
    assert {"state", "cursor", "page_size"} <= filters("/api/v1/runs/")
    bookings = filters("/api/v1/customers/{id}/transactions/")
    assert {"since", "until", "kind", "channel", "category", "direction", "cursor"} <= bookings


@pytest.mark.django_db
def test_the_schema_is_served_to_whoever_signs_in(cast, client):
    assert login(cast.rita).get("/api/v1/schema/").status_code == 200
    assert client.get("/api/v1/schema/").status_code == 401
