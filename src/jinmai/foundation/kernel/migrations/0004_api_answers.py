"""A key may be narrowed to some operations; a creating request keeps its answer, so that a repeat gets the same one."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ("kernel", "0003_hardened"),
    ]

    operations = [
        migrations.AddField(
            model_name="apikey",
            name="operations",
            field=models.JSONField(blank=True, default=list),
        ),
        migrations.AddField(
            model_name="idempotencykey",
            name="status",
            field=models.PositiveSmallIntegerField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name="idempotencykey",
            name="answer",
            field=models.TextField(blank=True),
        ),
    ]
