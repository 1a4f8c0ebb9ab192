"""The large histories are partitioned by month; indexes find a customer by the last digits of
number or phone, and the richest first."""

from django.db import migrations

from bankcrm.partitions import partition

# Every word of a customer is kept, through whatever door it came: page, answer on a lead, API, COPY of a file. The one
# who acts is named by ``customers.consents.acting``; a file has nobody else than who brought it.
KEEP_EVERY_WORD = """
CREATE FUNCTION consent_keeps_words() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    actor bigint := nullif(current_setting('bankcrm.actor', true), '')::bigint;
BEGIN
    IF TG_OP = 'DELETE' THEN
        INSERT INTO customers_consentevent (customer_id, channel, purpose, said, since, source, evidence, by_id)
        SELECT customer_id, channel, purpose, 'taken_back', since, source, evidence, actor FROM was;
    ELSIF TG_OP = 'INSERT' THEN
        INSERT INTO customers_consentevent (customer_id, channel, purpose, said, since, source, evidence, by_id)
        SELECT customer_id, channel, purpose, CASE WHEN is_objection THEN 'objects' ELSE 'agrees' END,
            since, source, evidence, actor
        FROM now;
    ELSE
        INSERT INTO customers_consentevent (customer_id, channel, purpose, said, since, source, evidence, by_id)
        SELECT now.customer_id, now.channel, now.purpose,
            CASE WHEN now.is_objection THEN 'objects' ELSE 'agrees' END, now.since, now.source, now.evidence, actor
        FROM now JOIN was ON was.id = now.id
        WHERE (now.is_objection, now.since, now.source, now.evidence)
            IS DISTINCT FROM (was.is_objection, was.since, was.source, was.evidence);
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER consent_word_new AFTER INSERT ON customers_consent REFERENCING NEW TABLE AS now
    FOR EACH STATEMENT EXECUTE FUNCTION consent_keeps_words();
CREATE TRIGGER consent_word_changed AFTER UPDATE ON customers_consent REFERENCING OLD TABLE AS was NEW TABLE AS now
    FOR EACH STATEMENT EXECUTE FUNCTION consent_keeps_words();
CREATE TRIGGER consent_word_taken_back AFTER DELETE ON customers_consent REFERENCING OLD TABLE AS was
    FOR EACH STATEMENT EXECUTE FUNCTION consent_keeps_words();
CREATE FUNCTION consent_words_stay() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'what a customer said is never changed or removed';
END $$;
CREATE TRIGGER consent_events_stay BEFORE UPDATE OR DELETE ON customers_consentevent
    FOR EACH ROW EXECUTE FUNCTION consent_words_stay();
"""
FORGET_WORDS = """
DROP TRIGGER consent_events_stay ON customers_consentevent;
DROP TRIGGER consent_word_taken_back ON customers_consent;
DROP TRIGGER consent_word_changed ON customers_consent;
DROP TRIGGER consent_word_new ON customers_consent;
DROP FUNCTION consent_words_stay();
DROP FUNCTION consent_keeps_words();
"""


class Migration(migrations.Migration):
    dependencies = [("customers", "0001_initial")]
    operations = [
        partition("customers_customerprofile", "range", "month, customer_id"),
        partition("customers_monthlybalance", "range", "month, customer_id, product_id", ["customer_id"]),
        partition("customers_transaction", "range", "booked_on, reference", ["customer_id, booked_on"]),
        partition(
            "customers_contact",
            "range",
            "contacted_on, reference",
            ["customer_id, contacted_on", "campaign_code, customer_id"],
        ),
        migrations.RunSQL(
            "CREATE INDEX customer_number_suffix ON customers_customer (reverse(number) text_pattern_ops)",
            "DROP INDEX customer_number_suffix",
        ),
        migrations.RunSQL(
            "CREATE INDEX customer_phone_suffix ON customers_customer (reverse(phone) text_pattern_ops)"
            " WHERE phone <> ''",
            "DROP INDEX customer_phone_suffix",
        ),
        migrations.RunSQL(
            "CREATE INDEX balance_without_average ON customers_monthlybalance (month) WHERE average IS NULL",
            "DROP INDEX balance_without_average",
        ),
        migrations.RunSQL(
            "CREATE INDEX profile_by_aum ON customers_customerprofile (month, aum, customer_id)",
            "DROP INDEX profile_by_aum",
        ),
        migrations.RunSQL(KEEP_EVERY_WORD, FORGET_WORDS),
    ]
