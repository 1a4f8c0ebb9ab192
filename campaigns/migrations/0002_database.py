"""Who was drawn into a universal control is never changed or removed."""

from django.db import migrations

MEMBERS_STAY = """
CREATE FUNCTION universal_members_stay() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'who was drawn into a universal control is never changed or removed';
END $$;
CREATE TRIGGER universal_members_stay BEFORE UPDATE OR DELETE ON campaigns_universalmember
    FOR EACH ROW EXECUTE FUNCTION universal_members_stay();
"""
FORGET = """
DROP TRIGGER universal_members_stay ON campaigns_universalmember;
DROP FUNCTION universal_members_stay();
"""


class Migration(migrations.Migration):
    dependencies = [("campaigns", "0001_initial")]
    operations = [migrations.RunSQL(MEMBERS_STAY, FORGET)]
