"""Branches from a file: any depth and order, both encodings, all or nothing, each wrong line named."""

from __future__ import annotations

import random

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.http import HttpResponse

from bankcrm import branch_file
from bankcrm.models import AuditEvent, Branch, BranchLink, User
from tests.cast import Cast, login

HEAD = "code,name,kind,parent\n"


def send(user: User, text: str | bytes) -> HttpResponse:
    content = text if isinstance(text, bytes) else (HEAD + text).encode()
    return login(user).post("/people/branches/file/", {"file": SimpleUploadedFile("tree.csv", content)})


def test_nine_levels_in_any_order_become_a_tree(cast: Cast) -> None:
    lines = [f"L{n},Level {n},outlet,{f'L{n - 1}' if n else 'N1'}" for n in range(6)]
    lines += [f"R{n},Region {n},region,{f'R{n - 1}' if n else 'N'}" for n in range(3)]
    random.Random(5).shuffle(lines)
    assert send(cast.ada, "\n".join(lines)).status_code == 302
    assert BranchLink.objects.filter(descendant__code="L5").count() == 9
    assert BranchLink.objects.get(ancestor=cast.tree.head_office, descendant__code="L5").depth == 8
    assert AuditEvent.objects.filter(action="branch.created").count() == 9


def test_what_is_there_is_renamed_and_moved_and_the_rest_stays(cast: Cast) -> None:
    rows = branch_file.read((HEAD + "N1,Beijing,branch,S\nN2,Branch North 2,branch,N\n").encode())
    done = branch_file.bring(rows, cast.ada)
    assert (done.new, done.changed, done.moved, done.same) == (0, 1, 1, 1)
    n1 = Branch.objects.get(code="N1")
    assert (n1.pk, n1.name, n1.parent, n1.version) == (cast.tree.n1.pk, "Beijing", cast.tree.south, 2)
    assert BranchLink.objects.filter(ancestor=cast.tree.south, descendant=n1).exists()
    assert AuditEvent.objects.get(action="branch.changed").details["changed"] == ["name", "parent_id"]
    again = branch_file.bring(rows, cast.ada)
    assert (again.changed, again.same) == (0, 2)


def test_chinese_heads_and_kinds_in_gb18030_are_read(cast: Cast) -> None:
    text = "机构号;名称;类型;上级机构\n0101;北京西单;网点;N1\n"
    assert send(cast.ada, text.encode("gb18030")).status_code == 302
    assert Branch.objects.get(code="0101").name == "北京西单"


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("A,A,branch,NOWHERE", "Line 2: no branch has the code NOWHERE."),
        ("A,A,branch,N\nA,B,branch,N", "Line 3: the code A stands in the file more than once."),
        ("A,A,palace,N", "“palace” is no kind of branch."),
        ("A,,branch,N", "Line 2: a name of 1 to 100"),
        (",A,branch,N", "Line 2: a code of 1 to 20"),
        ("A,A,branch,", "everything else to something"),
        ("A,A,head_office,N", "the head office belongs to nothing"),
        ("A,A,branch,B\nB,B,branch,A", "A would lie below itself."),
        ("N,North,region,N9\nN9,N9,region,N", "N would lie below itself."),
        ("A,A,region,N1", "A cannot belong to N1, which is of a lower kind."),
        ("N,North,outlet,HO", "N1 cannot belong to N, which is of a lower kind."),
    ],
)
def test_a_wrong_line_is_named_and_nothing_goes_in(cast: Cast, text: str, sentence: str) -> None:
    before = list(Branch.objects.order_by("pk").values())
    answer = send(
        cast.ada, "OK,Fine,branch,N\n".replace("OK", "OK") + text if "Line" not in sentence else text
    )
    assert answer.status_code == 422
    assert sentence in answer.content.decode()
    assert list(Branch.objects.order_by("pk").values()) == before


def test_a_closed_branch_takes_nothing(cast: Cast) -> None:
    Branch.objects.filter(pk=cast.tree.n2.pk).update(closed_on="2026-11-01")
    assert "N2 is closed" in send(cast.ada, "A,A,outlet,N2").content.decode()


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "is empty"),
        (b"code,name\nA,B\n", "must name the column"),
        (HEAD.encode(), "no rows"),
        (b"\xff\xfe\x00\x81\xff", "neither UTF-8 nor GB18030"),
    ],
)
def test_what_is_no_such_table_is_told(cast: Cast, content: bytes, sentence: str) -> None:
    assert sentence in send(cast.ada, content).content.decode()


def test_only_administrators_bring_a_tree(cast: Cast) -> None:
    for person in (cast.bao, cast.max, cast.aud):
        assert send(person, "A,A,branch,N").status_code == 403
    assert not Branch.objects.filter(code="A").exists()


def test_two_thousand_branches_cost_a_handful_of_statements(
    cast: Cast, django_assert_max_num_queries: object
) -> None:
    rows = branch_file.read((HEAD + "".join(f"B{n},B{n},branch,N\n" for n in range(2000))).encode())
    with django_assert_max_num_queries(12):
        assert branch_file.bring(rows, cast.ada).new == 2000
