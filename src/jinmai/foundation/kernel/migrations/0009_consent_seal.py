"""A consent carries a seal; those that stand are sealed as they stand."""

from django.db import migrations, models


def seal_what_stands(apps, schema_editor):
    from jinmai.foundation.kernel.consent.seal import seal_of

    rows = apps.get_model("kernel", "Consent").objects.using(schema_editor.connection.alias)
    for consent in rows.all():
        rows.filter(pk=consent.pk).update(seal=seal_of(consent))


class Migration(migrations.Migration):
    dependencies = [("kernel", "0008_audit_anchor")]

    operations = [
        migrations.AddField("consent", "seal", models.CharField(default="", editable=False, max_length=64), preserve_default=False),
        migrations.RunPython(seal_what_stands, migrations.RunPython.noop),
    ]
