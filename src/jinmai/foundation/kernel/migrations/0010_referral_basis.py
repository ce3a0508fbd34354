"""A contact is read on the strength of an accepted order."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("kernel", "0009_consent_seal")]

    operations = [
        migrations.AlterField(
            "accessrecord",
            "basis",
            models.CharField(
                choices=[
                    ("consent", "企业授权"),
                    ("own", "本企业"),
                    ("statutory", "依法履职"),
                    ("referral", "受理对接单"),
                    ("none", "无依据"),
                ],
                max_length=12,
            ),
        ),
    ]
