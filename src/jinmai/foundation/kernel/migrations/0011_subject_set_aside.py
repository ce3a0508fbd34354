"""A provisional subject that no import names any more stands in no list."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("kernel", "0010_referral_basis")]

    operations = [migrations.AddField("subject", "set_aside", models.BooleanField(default=False))]
