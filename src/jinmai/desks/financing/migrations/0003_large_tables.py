# Indexes from which home pages and lists are counted when there are 100,000 needs, orders and loans.

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("financing", "0002_coordination")]

    operations = [
        migrations.RemoveIndex("order", "financing_o_institu_20f9c8_idx"),
        migrations.AddIndex("need", models.Index(fields=["region", "id"], name="financing_need_of_region")),
        migrations.AddIndex(
            "order", models.Index(fields=["institution", "status", "clock", "id"], name="financing_order_of_lender")
        ),
        migrations.AddIndex(
            "order", models.Index(fields=["need", "status", "clock", "id"], name="financing_order_of_need")
        ),
        migrations.AddIndex(
            "loan", models.Index(fields=["disbursed_on", "order", "subject"], name="financing_loan_by_day")
        ),
        migrations.AddIndex("event", models.Index(fields=["at", "id"], name="financing_event_by_time")),
    ]
