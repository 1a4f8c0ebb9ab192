"""Scores and segments are partitioned by run: a run is attached whole or not at all."""

from django.db import migrations

from bankcrm.partitions import partition


class Migration(migrations.Migration):
    dependencies = [("analytics", "0001_initial")]
    operations = [
        partition("analytics_score", "list", "score_run_id, customer_id"),
        partition("analytics_preferenceanswer", "list", "score_run_id, customer_id"),
        partition("analytics_segmentmember", "list", "segment_run_id, customer_id"),
    ]
