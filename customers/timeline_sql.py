"""Where the entries of a customer's timeline come from: per group, rows of (day, kind, key, what, detail, amount).

The kind decides icon and words on the page; kind and key together name an entry, so that paging neither repeats nor
loses one of several on a day. A key may stand in a URL: it is an id or a hash, never a number of the customer's.
"""

HOLDINGS = """
SELECT h.opened_on, 'opened', h.id::text, product.name, h.channel,
    CASE WHEN product.asset_class = 'demand_deposit' THEN NULL ELSE h.amount END
FROM customers_holding h JOIN customers_product product ON product.id = h.product_id
WHERE h.customer_id = %(customer)s
UNION ALL
SELECT h.closed_on, 'closed', h.id::text, product.name, h.status, h.amount
FROM customers_holding h JOIN customers_product product ON product.id = h.product_id
WHERE h.customer_id = %(customer)s AND h.closed_on IS NOT NULL
UNION ALL
SELECT h.matures_on, 'matured', h.id::text, product.name, '', h.amount
FROM customers_holding h JOIN customers_product product ON product.id = h.product_id
WHERE h.customer_id = %(customer)s AND h.matures_on <= %(until)s
  AND (h.closed_on IS NULL OR h.closed_on > h.matures_on)
"""

CONTACTS = """
SELECT contacted_on, 'contact_' || channel, md5(reference), campaign_code, outcome, talk_seconds::numeric
FROM customers_contact WHERE customer_id = %(customer)s
"""

RESPONSES = """
SELECT responded_on, 'response_' || kind, id::text, campaign_code, product_code, amount
FROM customers_response WHERE customer_id = %(customer)s
"""

CAMPAIGNS = """
SELECT assigned_on, CASE WHEN is_control THEN 'control' ELSE 'assigned' END, id::text, campaign_code, cell_code,
       NULL::numeric
FROM customers_assignment WHERE customer_id = %(customer)s AND (NOT is_control OR %(sees_control)s)
"""

CONSENT = """
SELECT since, 'consent_' || said, id::text, channel, purpose, NULL::numeric
FROM customers_consentevent WHERE customer_id = %(customer)s
UNION ALL
SELECT first_day, 'quiet', id::text, reason, to_char(last_day, 'YYYY-MM-DD'), NULL::numeric
FROM customers_quietperiod WHERE customer_id = %(customer)s
"""

TIER = """
SELECT month, CASE WHEN is_up THEN 'tier_up' ELSE 'tier_down' END, id::text, to_tier, from_tier, amount
FROM customers_tierchange WHERE customer_id = %(customer)s
"""

RELATION = """
SELECT coalesce(transfer.effective_on, (move.moved_at AT TIME ZONE %(zone)s)::date),
       CASE WHEN move.undone_at IS NOT NULL THEN 'moved_back' WHEN move.file_id IS NULL THEN 'moved'
            WHEN move.to_rm_id IS NULL THEN 'moved_off' ELSE 'moved_by_import' END,
       move.id::text, coalesce(came.full_name, ''), coalesce(went.full_name, ''), NULL::numeric
FROM customers_portfoliomove move
LEFT JOIN customers_portfoliotransfer transfer ON transfer.id = move.transfer_id
LEFT JOIN bankcrm_user came ON came.id = move.to_rm_id
LEFT JOIN bankcrm_user went ON went.id = move.from_rm_id
WHERE move.customer_id = %(customer)s AND move.to_rm_id IS DISTINCT FROM move.from_rm_id
UNION ALL
SELECT (move.moved_at AT TIME ZONE %(zone)s)::date,
       CASE WHEN move.backup_after_id IS NULL THEN 'backup_off' ELSE 'backup_by_import' END,
       move.id::text, coalesce(came.full_name, ''), coalesce(went.full_name, ''), NULL::numeric
FROM customers_portfoliomove move
LEFT JOIN bankcrm_user came ON came.id = move.backup_after_id
LEFT JOIN bankcrm_user went ON went.id = move.backup_before_id
WHERE move.customer_id = %(customer)s AND move.file_id IS NOT NULL
  AND move.backup_after_id IS DISTINCT FROM move.backup_before_id
UNION ALL
SELECT left_on, 'left_then', id::text, '', '', NULL::numeric
FROM customers_customerreturn WHERE customer_id = %(customer)s
UNION ALL
SELECT returned_on, 'returned', id::text, '', '', NULL::numeric
FROM customers_customerreturn WHERE customer_id = %(customer)s
UNION ALL
SELECT opened_on, 'joined', id::text, acquisition_channel, acquisition_partner, NULL::numeric
FROM customers_customer WHERE id = %(customer)s AND opened_on IS NOT NULL
UNION ALL
SELECT closed_on, 'left', id::text, '', '', NULL::numeric
FROM customers_customer WHERE id = %(customer)s AND closed_on IS NOT NULL
"""

# Balances and bookings come by the thousand: the rows that stand for the customer say which files they came with.
IMPORTS = """
SELECT (file.merged_at AT TIME ZONE %(zone)s)::date, 'import_' || file.kind, file.id::text, file.source, '',
       count(*)::numeric
FROM (
    SELECT brought_by FROM customers_customer WHERE id = %(customer)s
    UNION ALL SELECT brought_by FROM customers_holding WHERE customer_id = %(customer)s
    UNION ALL SELECT brought_by FROM customers_consent WHERE customer_id = %(customer)s
    UNION ALL SELECT brought_by FROM customers_consumerfinancestate WHERE customer_id = %(customer)s
) brought JOIN customers_importfile file ON file.id = brought.brought_by
WHERE file.merged_at IS NOT NULL GROUP BY file.id
"""

# The code of the product that an entry of a campaign is about, asked for the few entries that are shown.
OFFERED = """
CASE WHEN kind IN ('assigned', 'control') THEN (
    SELECT put.product_code FROM customers_assignment put
    WHERE put.campaign_code = what AND put.customer_id = %(customer)s)
WHEN starts_with(kind, 'contact_') THEN (
    SELECT touch.product_code FROM customers_contact touch
    WHERE touch.customer_id = %(customer)s AND touch.contacted_on = day AND md5(touch.reference) = key)
WHEN starts_with(kind, 'response_') THEN detail END
"""
