"""The statements of portfolio transfers: which customers are chosen, and who gets which of them.

Whoever has most room gets most: receivers are filled to one common level of customers ÷ portfolio size, as water finds
its level, and the customers are dealt out from the richest down in proportion, so that everybody gets a like mixture.
"""

from __future__ import annotations

import heapq
from collections.abc import Mapping
from typing import Any

# Parameters: sources, nobody_in, tier, branch, customers, month. Alias c.
CHOSEN = """
FROM customers_customer c
LEFT JOIN customers_customerprofile p ON p.customer_id = c.id AND p.month = %(month)s
WHERE c.closed_on IS NULL AND (
    c.primary_rm_id = ANY(%(sources)s::bigint[])
    OR c.primary_rm_id IS NULL AND c.home_branch_id IN (
        SELECT descendant_id FROM bankcrm_branchlink WHERE ancestor_id = %(nobody_in)s
    )
)
AND (%(tier)s = '' OR p.tier = %(tier)s)
AND (%(branch)s::bigint IS NULL OR c.home_branch_id IN (
    SELECT descendant_id FROM bankcrm_branchlink WHERE ancestor_id = %(branch)s
))
AND (%(customers)s::bigint[] IS NULL OR c.id = ANY(%(customers)s::bigint[]))
"""
# The order of ids is the order of locks wherever customers are locked.
LOCK = f"SELECT count(*) FROM (SELECT c.id {CHOSEN} ORDER BY c.id FOR NO KEY UPDATE OF c) locked"  # noqa: S608  constants
COUNTS = f"""
SELECT c.primary_rm_id, count(*), coalesce(sum(p.aum), 0), count(*) FILTER (WHERE p.customer_id IS NULL)
{CHOSEN} GROUP BY c.primary_rm_id
"""
# Parameters besides: receivers, shares. One row per customer: customer_id, from_rm_id, to_rm_id and what it was before.
DEALT = f"""
SELECT ranked.id AS customer_id, ranked.primary_rm_id AS from_rm_id, slots.rm_id AS to_rm_id,
    ranked.backup_rm_id, ranked.home_branch_id, ranked.aum
FROM (
    SELECT c.id, c.primary_rm_id, c.backup_rm_id, c.home_branch_id, coalesce(p.aum, 0) AS aum,
        row_number() OVER (ORDER BY coalesce(p.aum, 0) DESC, c.id) AS place
    {CHOSEN}
) ranked JOIN (
    SELECT rm_id, row_number() OVER (ORDER BY (slot - 0.5) / share, rm_id) AS place
    FROM unnest(%(receivers)s::bigint[], %(shares)s::int[]) AS given (rm_id, share)
    CROSS JOIN LATERAL generate_series(1, share) slot
) slots USING (place)
"""  # noqa: S608  constants
# What a preview showed and what is done are the same when this is.
DIGEST = f"""
SELECT count(*), coalesce(md5(string_agg(customer_id || ':' || to_rm_id, ',' ORDER BY customer_id)), '')
FROM ({DEALT}) dealt
"""  # noqa: S608  constants
PREVIEW = f"""
SELECT to_rm_id, count(*), sum(aum), count(*) FILTER (WHERE backup_rm_id = to_rm_id)
FROM ({DEALT}) dealt GROUP BY to_rm_id
"""  # noqa: S608  constants
INSERT_MOVES = f"""
INSERT INTO customers_portfoliomove
    (transfer_id, customer_id, from_rm_id, to_rm_id, backup_before_id, from_branch_id, to_branch_id)
SELECT %(transfer)s, customer_id, from_rm_id, to_rm_id,
    CASE WHEN backup_rm_id = to_rm_id THEN backup_rm_id END,
    CASE WHEN %(changes_branch)s AND home_branch_id IS DISTINCT FROM u.branch_id THEN home_branch_id END,
    CASE WHEN %(changes_branch)s AND home_branch_id IS DISTINCT FROM u.branch_id THEN u.branch_id END
FROM ({DEALT}) dealt JOIN bankcrm_user u ON u.id = dealt.to_rm_id
"""  # noqa: S608  constants
# Nobody is their own backup: where the new manager was it, the customer has none until one is named.
MOVE = """
UPDATE customers_customer c SET primary_rm_id = m.to_rm_id, updated_at = statement_timestamp(),
    backup_rm_id = CASE WHEN m.backup_before_id IS NULL THEN c.backup_rm_id END,
    home_branch_id = coalesce(m.to_branch_id, c.home_branch_id)
FROM customers_portfoliomove m WHERE m.transfer_id = %(transfer)s AND c.id = m.customer_id
"""
LOCK_MOVED = """
SELECT count(*) FROM (
    SELECT c.id FROM customers_customer c JOIN customers_portfoliomove m ON m.customer_id = c.id
    WHERE m.transfer_id = %(transfer)s ORDER BY c.id FOR NO KEY UPDATE OF c
) locked
"""
# Only where nothing else happened since: same manager and branch as the transfer left, no later move, and somebody
# there to take the customer back.
UNDO = """
WITH back AS MATERIALIZED (
    SELECT m.id, m.customer_id, m.from_rm_id, m.backup_before_id, m.from_branch_id, m.to_branch_id
    FROM customers_portfoliomove m JOIN customers_customer c ON c.id = m.customer_id
    LEFT JOIN bankcrm_user u ON u.id = m.from_rm_id
    WHERE m.transfer_id = %(transfer)s AND m.undone_at IS NULL AND c.primary_rm_id = m.to_rm_id
        AND (m.to_branch_id IS NULL OR c.home_branch_id = m.to_branch_id)
        AND (m.backup_before_id IS NULL OR c.backup_rm_id IS NULL)
        AND (m.from_rm_id IS NULL OR u.is_active AND u.role = 'rm')
        AND NOT EXISTS (
            SELECT FROM customers_portfoliomove later
            WHERE later.customer_id = m.customer_id AND later.id > m.id AND later.undone_at IS NULL
                AND later.to_rm_id IS DISTINCT FROM later.from_rm_id
        )
), noted AS (
    UPDATE customers_portfoliomove m SET undone_at = statement_timestamp() FROM back WHERE m.id = back.id
)
UPDATE customers_customer c SET primary_rm_id = back.from_rm_id, updated_at = statement_timestamp(),
    backup_rm_id = coalesce(back.backup_before_id, c.backup_rm_id),
    home_branch_id = CASE WHEN back.to_branch_id IS NULL THEN c.home_branch_id ELSE back.from_branch_id END
FROM back WHERE c.id = back.customer_id
"""


def shares(total: int, loads: Mapping[int, tuple[int, int]]) -> dict[int, int]:
    """How many of ``total`` customers each receiver gets; ``loads``: receiver → (customers now, portfolio size ≥ 1).

    Fills to a common level of customers ÷ size: the level is found once, and only the rest of a division, fewer
    customers than receivers, is given one by one to whoever has most room.
    """
    given = dict.fromkeys(loads, 0)
    left = total
    waiting = sorted(loads, key=lambda pk: loads[pk][0] / loads[pk][1])
    sizes = held = 0
    level = 0.0
    for n, pk in enumerate(waiting):
        sizes, held = sizes + loads[pk][1], held + loads[pk][0]
        level = (held + total) / sizes
        after = loads[waiting[n + 1]] if n + 1 < len(waiting) else None
        if after is None or level <= after[0] / after[1]:
            break
    for pk, (now, size) in loads.items():
        given[pk] = max(0, min(left, int(level * size) - now))
        left -= given[pk]
    heap = [((loads[pk][0] + given[pk] + 1) / loads[pk][1], pk) for pk in loads]
    heapq.heapify(heap)
    for _rest in range(left):
        _load, pk = heapq.heappop(heap)
        given[pk] += 1
        heapq.heappush(heap, ((loads[pk][0] + given[pk] + 1) / loads[pk][1], pk))
    return {pk: n for pk, n in given.items() if n}


def parameters(choice: Any, month: Any) -> dict[str, Any]:
    """What CHOSEN needs of a ``transfer.Choice``."""
    return {
        "sources": list(choice.sources),
        "nobody_in": choice.nobody_in,
        "tier": choice.tier,
        "branch": choice.branch,
        "customers": None if choice.customers is None else list(choice.customers),
        "month": month,
    }
