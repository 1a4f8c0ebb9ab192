"""Where the names of the columns stand: a line that only numbers them is passed over, another second one is told."""

from __future__ import annotations

from collections.abc import Sequence

from customers.imports import headers

NAMES = ["ID", "LIMIT_BAL", "SEX", "AGE"]
DATA = [["1", "20000", "2", "24"], ["2", "120000", "2", "26"], ["3", "90000", "1", "34"]]


def found(*rows: Sequence[str]) -> headers.Header:
    return headers.find([(at, at, row) for at, row in enumerate(rows, start=1)])


def test_names_below_a_line_that_numbers_the_columns_are_taken() -> None:
    for counted in (
        ["", "X1", "X2", "X3"],
        ["A", "B", "C", "D"],
        ["Unnamed: 0", "1", "2", "3"],
        ["1", "2", "3", "4"],
    ):
        header = found(counted, NAMES, *DATA)
        assert (header.line, header.columns) == (2, NAMES)
        assert header.notes == ["Line 1 only numbers the columns; their names were found in line 2."]


def test_a_second_line_of_names_is_told_and_the_first_one_stays() -> None:
    chinese = ["编号", "额度", "性别", "年龄"]
    header = found(chinese, NAMES, *DATA)
    assert (header.line, header.columns) == (1, chinese)
    assert header.notes == [
        "Line 2 looks like names of columns too. If it is, say so under “Read it another way”."
    ]


def test_rows_of_words_below_the_names_are_data() -> None:
    assert (
        found(
            ["name", "city", "job"],
            ["Ann", "Rome", "clerk"],
            ["Ben", "Oslo", "smith"],
            ["Cem", "Bonn", "cook"],
        ).notes
        == []
    )
    assert found(["X1", "X2", "X3"], ["a", "b", "c"], ["d", "e", "f"], ["g", "h", "i"]).line == 1
    assert found(["X1", "X2", "X3"], *([row[1:] for row in DATA])).line == 1
