"""Who is withheld: a customer's place in the unit interval, the same in Python and in PostgreSQL.

A customer is in the control group when the fraction of the salted hash lies below the control share. No state is
needed: any order, any rerun, any server gives the same answer, and a larger share keeps everyone already withheld.
The salt is the campaign's for a local control and the year's for the universal holdout; two salts are independent.
"""

from hashlib import sha256

from django.db.models import CharField, Expression, F, FloatField, Func, Value
from django.db.models.functions import Cast

_TWO_64 = 2**64


def control_fraction(salt: str, customer_id: int) -> float:
    """Fraction in [0, 1]: the first 64 bits of sha256("salt:customer_id") over 2**64, rounded to double precision."""
    return int(sha256(f"{salt}:{customer_id}".encode()).hexdigest()[:16], 16) / _TWO_64


def in_control(salt: str, customer_id: int, share: float) -> bool:
    """Is the customer withheld when `share` (0.1 is 10 %) of the targets is?"""
    return control_fraction(salt, customer_id) < share


# Eight bytes as a signed bigint; flipping the sign bit orders them as unsigned, less 2**63, which numeric adds back
# without rounding. The one rounding is the cast to double, as in Python; dividing by a power of two is exact.
_FRACTION_SQL = (
    "((('x' || encode(substr(sha256(convert_to({text}, 'UTF8')), 1, 8), 'hex'))::bit(64)::bigint"
    " # (-9223372036854775808)::bigint)::numeric + 9223372036854775808)::float8 / 18446744073709551616::float8"
)


def control_fraction_sql(salt_placeholder: str, id_expression: str) -> str:
    """`control_fraction` as a PostgreSQL expression on core functions, equal to it bit for bit.

    `salt_placeholder` is a query parameter ("%s", "%(salt)s") or a text column, `id_expression` an integer column.
    Both are pasted into the statement: never pass anything a user typed.
    """
    return _FRACTION_SQL.format(text=f"({salt_placeholder})::text || ':' || ({id_expression})::text")


class ControlFraction(Func):
    """`control_fraction` as a queryset expression: `.annotate(u=ControlFraction(salt)).filter(u__lt=share)`."""

    template = "(" + _FRACTION_SQL.format(text="%(expressions)s") + ")"
    arg_joiner = " || ':' || "
    output_field = FloatField()

    def __init__(self, salt: str | Expression | F, customer_id: str | Expression | F = "pk") -> None:
        salt_text = Value(salt) if isinstance(salt, str) else salt
        super().__init__(Cast(salt_text, CharField()), Cast(customer_id, CharField()))
