"""Where people are reached outside, and by which channel of what."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

USER = settings.AUTH_USER_MODEL


def own(name: str) -> models.ForeignKey:
    return models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name=name, to=USER)


class Migration(migrations.Migration):
    dependencies = [("kernel", "0006_second_factor")]

    operations = [
        migrations.CreateModel(
            name="ContactAddress",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("channel", models.SlugField(max_length=32)),
                ("address", models.CharField(max_length=64)),
                ("user", own("contact_addresses")),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(fields=("user", "channel"), name="contact_address_unique"),
                ],
            },
        ),
        migrations.CreateModel(
            name="ChannelChoice",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("kind", models.SlugField(max_length=64)),
                ("channel", models.SlugField(max_length=32)),
                ("wanted", models.BooleanField()),
                ("user", own("channel_choices")),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(fields=("user", "kind", "channel"), name="channel_choice_unique"),
                ],
            },
        ),
    ]
