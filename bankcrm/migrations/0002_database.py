"""What Django's models cannot say: audit rows are added and never changed; name search needs trigrams."""

from django.contrib.postgres.operations import BtreeGinExtension, TrigramExtension
from django.db import migrations

REFUSE_CHANGES = """
CREATE FUNCTION audit_is_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'audit events are never changed or removed';
END $$;
CREATE TRIGGER audit_rows_stay BEFORE UPDATE OR DELETE ON bankcrm_auditevent
    FOR EACH ROW EXECUTE FUNCTION audit_is_append_only();
CREATE TRIGGER audit_table_stays BEFORE TRUNCATE ON bankcrm_auditevent
    FOR EACH STATEMENT EXECUTE FUNCTION audit_is_append_only();
"""
ALLOW_CHANGES = """
DROP TRIGGER audit_table_stays ON bankcrm_auditevent;
DROP TRIGGER audit_rows_stay ON bankcrm_auditevent;
DROP FUNCTION audit_is_append_only();
"""


class Migration(migrations.Migration):
    dependencies = [("bankcrm", "0001_initial")]
    run_before = [("customers", "0001_initial")]
    operations = [
        TrigramExtension(),
        BtreeGinExtension(),
        migrations.RunSQL(REFUSE_CHANGES, ALLOW_CHANGES),
    ]
