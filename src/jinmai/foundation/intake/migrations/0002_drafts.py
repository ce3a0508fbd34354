"""Files on their way in, and the originals kept for their senders."""

import django.db.models.deletion
from django.db import migrations, models

import jinmai.foundation.kernel.clock
import jinmai.foundation.kernel.ids


class Migration(migrations.Migration):
    dependencies = [
        ("intake", "0001_initial"),
        ("kernel", "0003_hardened"),
    ]

    operations = [
        migrations.AddField("receipt", "original_path", models.CharField(blank=True, max_length=200, default=""), preserve_default=False),
        migrations.AddField("receipt", "heading_row", models.PositiveIntegerField(default=1)),
        migrations.CreateModel(
            name="ImportDraft",
            fields=[
                ("id", models.UUIDField(default=jinmai.foundation.kernel.ids.new_id, editable=False, primary_key=True, serialize=False)),
                ("state", models.CharField(choices=[("uploaded", "已上传"), ("mapped", "列已对应"), ("checked", "已试运行"), ("confirmed", "导入中"), ("landed", "已导入"), ("abandoned", "已放弃")], default="uploaded", max_length=12)),
                ("source", models.CharField(blank=True, max_length=64)),
                ("files", models.JSONField(default=list)),
                ("mappings", models.JSONField(default=list)),
                ("findings", models.JSONField(default=list)),
                ("outcomes", models.JSONField(default=list)),
                ("created_at", models.DateTimeField(default=jinmai.foundation.kernel.clock.Clock.now)),
                ("touched_at", models.DateTimeField(default=jinmai.foundation.kernel.clock.Clock.now)),
                ("job", models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name="+", to="kernel.job")),
                ("membership", models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name="+", to="kernel.membership")),
                ("organisation", models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name="+", to="kernel.organisation")),
            ],
            options={"verbose_name": "待导入文件", "ordering": ["-created_at"]},
        ),
    ]
