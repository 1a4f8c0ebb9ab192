"""Keeping the closure of the branch tree."""

from __future__ import annotations

from django.db import connection, transaction


@transaction.atomic
def rebuild_links() -> None:
    """Write every (ancestor, descendant, depth) anew from ``Branch.parent``; call after the tree changed."""
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM bankcrm_branchlink")
        cursor.execute(
            """
            WITH RECURSIVE tree (ancestor_id, descendant_id, depth) AS (
                SELECT id, id, 0 FROM bankcrm_branch
                UNION ALL
                SELECT tree.ancestor_id, child.id, depth + 1
                FROM tree JOIN bankcrm_branch child ON child.parent_id = tree.descendant_id
            )
            INSERT INTO bankcrm_branchlink (ancestor_id, descendant_id, depth) SELECT * FROM tree
            """
        )
