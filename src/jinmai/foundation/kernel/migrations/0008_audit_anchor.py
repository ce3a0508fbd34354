"""The newest anchor is kept in the database too; REPLACE and TRUNCATE are refused like other changes to an entry."""

from django.db import migrations, models

from jinmai.foundation.kernel.audit import guards


def install(apps, schema_editor):
    guards.install(schema_editor.connection)


class Migration(migrations.Migration):
    dependencies = [("kernel", "0007_channels")]

    operations = [
        migrations.CreateModel(
            name="AuditAnchor",
            fields=[
                ("id", models.PositiveSmallIntegerField(default=1, primary_key=True, serialize=False)),
                ("number", models.BigIntegerField()),
                ("digest", models.CharField(max_length=64)),
                ("seal", models.CharField(max_length=64)),
            ],
        ),
        migrations.RunPython(install, migrations.RunPython.noop),
    ]
