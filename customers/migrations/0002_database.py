"""The large histories are partitioned by month."""

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
    ]
