"""A batch may put rows of earlier batches right (更正)."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("analytics", "0002_tombstone_merged"),
    ]

    operations = [
        migrations.AddField(
            model_name="batch",
            name="replaces",
            field=models.JSONField(default=list),
        ),
    ]
