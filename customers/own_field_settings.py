"""What people change of own fields: the name, the meaning, whether one is offered; values stay as they are."""

from __future__ import annotations

from dataclasses import dataclass

from django.core.exceptions import ValidationError
from django.db import connection, transaction
from django.db.models.functions import Now
from django.utils.translation import gettext as _

from bankcrm import audit
from bankcrm.models import User
from customers.fields import own
from customers.models import OwnField

# Rows a page counts; of more it counts a sample.
COUNTED = 200_000
CHANGEABLE = ("label", "meaning", "unit", "personal", "model_use")


@dataclass(frozen=True, slots=True)
class Counted:
    """An own field and of how many customers something is said, about so many where they are too many to count."""

    field: OwnField
    customers: int
    is_exact: bool


def listed() -> list[Counted]:
    """All of them, those in use first; three statements, of which none reads more than about COUNTED rows."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT reltuples FROM pg_class WHERE oid = 'customers_ownvalues'::regclass")
        part = min(100.0, 100.0 * COUNTED / max(float(cursor.fetchone()[0]), 1.0))
        cursor.execute(
            "SELECT e.key::bigint, count(DISTINCT v.customer_id) FROM customers_ownvalues v TABLESAMPLE SYSTEM (%s)"
            " CROSS JOIN LATERAL jsonb_object_keys(v.content) e(key) GROUP BY 1",
            [part],
        )
        counts = {pk: round(found * 100 / part) for pk, found in cursor.fetchall()}
    rows = OwnField.objects.select_related("first_file").order_by("label", "id")
    return sorted(
        (Counted(field, counts.get(field.pk, 0), part == 100.0) for field in rows),
        key=lambda row: row.field.retired_at is not None,
    )


@transaction.atomic
def save(field: OwnField, user: User) -> None:
    """Write label, meaning, unit, class and use of a field. Raises ValidationError for a label another one has."""
    before = OwnField.objects.select_for_update().get(pk=field.pk)
    if OwnField.objects.filter(label__iexact=field.label, retired_at=None).exclude(pk=field.pk).exists():
        raise ValidationError(_("Another own field is called %(label)s.") % {"label": field.label})
    changed = {
        name: [str(getattr(before, name)), str(getattr(field, name))]
        for name in CHANGEABLE
        if getattr(before, name) != getattr(field, name)
    }
    if changed:
        field.save(update_fields=CHANGEABLE)
        audit.record(user, "own_field.changed", field, changed=changed)
        own.forget()


@transaction.atomic
def retire(field: OwnField, user: User) -> bool:
    """Offer it no more; False when it is retired already. Conditions and models that use it go on."""
    done = OwnField.objects.filter(pk=field.pk, retired_at=None).update(retired_at=Now(), retired_by=user)
    if done:
        audit.record(user, "own_field.retired", field, code=field.code)
        own.forget()
    return bool(done)


@transaction.atomic
def restore(field: OwnField, user: User) -> bool:
    """Offer it again; False when it is not retired."""
    done = OwnField.objects.filter(pk=field.pk, retired_at__isnull=False).update(
        retired_at=None, retired_by=None
    )
    if done:
        audit.record(user, "own_field.restored", field, code=field.code)
        own.forget()
    return bool(done)
