"""The rule score orders customers and says that it is a rule."""

import numpy as np
import pytest

from analytics.modelling.rules import rule_score


def test_the_recent_frequent_and_rich_customer_comes_first():
    n = 10
    result = rule_score(np.arange(n)[::-1], np.arange(n), np.arange(n) * 100.0)
    assert result.score.tolist() == pytest.approx(np.repeat([0.2, 0.4, 0.6, 0.8, 1.0], 2).tolist())
    assert "not a probability" in str(result.label)


def test_a_customer_never_seen_is_a_class_of_its_own():
    result = rule_score([np.nan, 5, 1, 9, 3, 2], [0, 1, 2, 3, 4, 5], [1] * 6)
    assert result.parts[0, 0] == 0
    assert result.parts[1:, 0].tolist() == [2, 5, 1, 3, 4]


def test_columns_of_different_length_are_refused():
    with pytest.raises(ValueError, match="one length"):
        rule_score([1, 2], [1], [1, 2])
