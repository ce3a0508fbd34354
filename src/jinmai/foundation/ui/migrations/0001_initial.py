# Saved views, chosen columns, bulk runs and exports.

import django.db.models.deletion
from django.db import migrations, models

import jinmai.foundation.kernel.clock
import jinmai.foundation.kernel.ids


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("kernel", "0003_hardened"),
    ]

    operations = [
        migrations.CreateModel(
            name="SavedView",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=jinmai.foundation.kernel.ids.new_id, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("list_path", models.CharField(max_length=200)),
                ("name", models.CharField(max_length=30)),
                ("filters", models.JSONField(blank=True, default=dict)),
                ("columns", models.JSONField(blank=True, default=list)),
                ("sort", models.CharField(blank=True, max_length=80)),
                ("shared", models.BooleanField(default=False)),
                ("created_at", models.DateTimeField(default=jinmai.foundation.kernel.clock.Clock.now)),
                ("updated_at", models.DateTimeField(default=jinmai.foundation.kernel.clock.Clock.now)),
                (
                    "membership",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="saved_views", to="kernel.membership"
                    ),
                ),
                (
                    "organisation",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="saved_views",
                        to="kernel.organisation",
                    ),
                ),
            ],
            options={
                "ordering": ["created_at"],
            },
        ),
        migrations.CreateModel(
            name="ListChoice",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("list_path", models.CharField(max_length=200)),
                ("columns", models.JSONField(blank=True, default=list)),
                (
                    "membership",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="list_choices", to="kernel.membership"
                    ),
                ),
                (
                    "default_view",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to="ui.savedview",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="BulkRun",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=jinmai.foundation.kernel.ids.new_id, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("list_path", models.CharField(max_length=200)),
                ("label", models.CharField(max_length=60)),
                ("operation", models.CharField(max_length=80)),
                ("key", models.CharField(max_length=64)),
                ("asked", models.PositiveIntegerField()),
                ("lines", models.JSONField(blank=True, default=list)),
                ("started_at", models.DateTimeField(default=jinmai.foundation.kernel.clock.Clock.now)),
                ("finished_at", models.DateTimeField(blank=True, null=True)),
                (
                    "membership",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="bulk_runs", to="kernel.membership"
                    ),
                ),
            ],
            options={
                "ordering": ["-started_at"],
                "constraints": [models.UniqueConstraint(fields=("membership", "key"), name="ui_bulk_run_once")],
            },
        ),
        migrations.CreateModel(
            name="ExportRecord",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=jinmai.foundation.kernel.ids.new_id, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("organisation_code", models.CharField(max_length=64)),
                ("list_path", models.CharField(max_length=200)),
                ("title", models.CharField(max_length=200)),
                ("operation", models.CharField(max_length=80)),
                ("purpose", models.CharField(max_length=40)),
                ("level", models.CharField(max_length=4)),
                ("file_kind", models.CharField(max_length=8)),
                ("columns", models.JSONField(default=list)),
                ("conditions", models.JSONField(default=dict)),
                ("row_count", models.PositiveIntegerField()),
                ("at", models.DateTimeField(default=jinmai.foundation.kernel.clock.Clock.now)),
                (
                    "membership",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="export_records",
                        to="kernel.membership",
                    ),
                ),
            ],
            options={
                "ordering": ["-at"],
                "indexes": [models.Index(fields=["at"], name="ui_exportre_at_8fbcb2_idx")],
            },
        ),
        migrations.AddIndex(
            model_name="savedview",
            index=models.Index(fields=["organisation", "list_path"], name="ui_savedvie_organis_7cd8af_idx"),
        ),
        migrations.AddConstraint(
            model_name="savedview",
            constraint=models.UniqueConstraint(
                fields=("membership", "list_path", "name"), name="ui_saved_view_name_once"
            ),
        ),
        migrations.AddConstraint(
            model_name="listchoice",
            constraint=models.UniqueConstraint(fields=("membership", "list_path"), name="ui_list_choice_once"),
        ),
    ]
