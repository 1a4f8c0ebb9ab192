"""The large histories are partitioned by month; indexes find a customer by last phone digits and the richest first."""

from django.db import migrations

from bankcrm.partitions import partition


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
            "CREATE INDEX customer_phone_suffix ON customers_customer (reverse(phone) text_pattern_ops)"
            " WHERE phone <> ''",
            "DROP INDEX customer_phone_suffix",
        ),
        migrations.RunSQL(
            "CREATE INDEX profile_by_aum ON customers_customerprofile (month, aum, customer_id)",
            "DROP INDEX profile_by_aum",
        ),
    ]
