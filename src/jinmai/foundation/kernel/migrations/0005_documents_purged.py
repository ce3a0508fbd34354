"""A document whose bytes were destroyed stays as a row that says when."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ("kernel", "0004_api_answers"),
    ]

    operations = [
        migrations.AddField(
            model_name="document",
            name="purged_at",
            field=models.DateTimeField(blank=True, null=True),
        ),
    ]
