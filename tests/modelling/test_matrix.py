"""Columns become numbers by their specification, and what cannot is named."""

from decimal import Decimal

import numpy as np
import pytest

from analytics.modelling.matrix import CATEGORY_LIMIT, FeatureSpec, check_matrix, encode, learn_categories

SPECS = (
    FeatureSpec("balance", "numeric", "Balance"),
    FeatureSpec("region", "categorical", "Region"),
    FeatureSpec("online", "flag", "Online"),
)
COLUMNS = {
    "balance": [Decimal("12.50"), None, -3],
    "region": ["west", "east", None],
    "online": [True, None, False],
}


def test_values_missing_values_and_unknown_categories():
    specs = learn_categories(COLUMNS, SPECS)
    assert specs[1].categories == ("east", "west")
    expected = np.array([[12.5, 1, 1], [np.nan, 0, np.nan], [-3, np.nan, 0]], dtype=np.float32)
    matrix = encode(COLUMNS, specs)
    assert matrix.dtype == np.float32
    np.testing.assert_array_equal(matrix, expected)
    later = encode({**COLUMNS, "region": ["north", "west", "east"]}, specs)
    np.testing.assert_array_equal(later[:, 1], np.array([np.nan, 1, 0], dtype=np.float32))


def test_only_the_commonest_categories_are_kept():
    values = [str(i) for i in range(CATEGORY_LIMIT + 50) for _ in range(1 + (i < CATEGORY_LIMIT))]
    (spec,) = learn_categories({"code": values}, [FeatureSpec("code", "categorical", "Code")])
    assert set(spec.categories) == {str(i) for i in range(CATEGORY_LIMIT)}


def test_a_number_that_cannot_be_read_names_its_column():
    with pytest.raises(ValueError, match="balance"):
        encode({**COLUMNS, "balance": ["much", 1, 2]}, SPECS)
    with pytest.raises(ValueError, match="online has 1 values"):
        encode({**COLUMNS, "online": [True]}, SPECS)


def test_a_matrix_of_the_wrong_shape_code_or_size_is_refused():
    specs = learn_categories(COLUMNS, SPECS)
    with pytest.raises(ValueError, match=r"expected \(rows, 3\)"):
        check_matrix(np.zeros((2, 2)), specs)
    with pytest.raises(ValueError, match="region holds a code"):
        check_matrix([[0, 2, 0]], specs)
    with pytest.raises(ValueError, match="balance holds an infinite"):
        check_matrix([[np.inf, 0, 0]], specs)


def test_an_unknown_kind_is_refused():
    with pytest.raises(ValueError, match="kind"):
        FeatureSpec("x", "text", "X")  # type: ignore[arg-type]  # the wrong value is the test
