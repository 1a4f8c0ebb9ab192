"""What finding a customer by the last digits of a phone number, and the richest customers first, need."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("customers", "0002_database")]
    operations = [
        migrations.RunSQL(
            "CREATE INDEX customer_phone_suffix ON customers_customer (reverse(phone) text_pattern_ops)"
            " WHERE phone <> ''",
            "DROP INDEX customer_phone_suffix",
        ),
        migrations.RunSQL(
            "CREATE INDEX profile_by_aum ON customers_customerprofile (month, aum, customer_id)",
            "DROP INDEX profile_by_aum",
        ),
    ]
