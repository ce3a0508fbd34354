"""Addresses of intake."""

from django.urls import path

from .views import receipts, wizard

app_name = "intake"
urlpatterns = [
    path("", receipts.receipt_list, name="receipt_list"),
    path("import/", wizard.upload, name="import_files"),
    path("drafts/<uuid:draft_id>/", wizard.draft, name="draft"),
    path("sources/<str:source_name>/template/", receipts.template, name="template"),
    path("receipts/<uuid:receipt_id>/returned/", receipts.returned, name="returned"),
    path("receipts/<uuid:receipt_id>/", receipts.receipt, name="receipt"),
    path("receipts/<uuid:receipt_id>/rejects/", receipts.reject_list, name="reject_list"),
    path("receipts/<uuid:receipt_id>/withdraw/", receipts.withdraw, name="withdraw"),
]
