"""Staff come in from a file into a branch at any depth, and see from there what lies below."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from bankcrm import branches
from bankcrm.models import Branch, User
from customers.models import Customer
from tests.cast import Cast
from tests.customers.imports_world import merged, write


@pytest.mark.django_db
def test_staff_of_a_branch_nine_levels_down_come_in(cast: Cast, tmp_path: Path, settings: Any) -> None:
    settings.MEDIA_ROOT = tmp_path / "files"
    node = cast.tree.n1
    for level in range(6):
        node = branches.save(Branch(code=f"L{level}", name=f"L{level}", kind="outlet", parent=node), cast.ada)
    Customer.objects.create(number="C1", name="Deep", home_branch=node)
    text = "employee number,username,name,role,branch\nE1,lin,Lin,rm,L5\nE2,wei,Wei,branch_manager,L4\n"
    file = merged(write(tmp_path, text), "staff", cast.ada)
    assert (file.inserted, file.rejected) == (2, 0)
    lin, wei = User.objects.get(username="lin"), User.objects.get(username="wei")
    assert (lin.branch, lin.working_week, lin.portfolio_size) == (node, [2, 2, 2, 2, 2, 0, 0], 500)
    assert Customer.objects.visible_to(wei).count() == 1
