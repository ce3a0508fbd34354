"""Addresses of intake."""

from django.urls import path

from . import views

app_name = "intake"
urlpatterns = [
    path("", views.receipt_list, name="receipt_list"),
    path("import/", views.import_files_page, name="import_files"),
    path("receipts/<uuid:receipt_id>/", views.receipt, name="receipt"),
    path("receipts/<uuid:receipt_id>/rejects/", views.reject_list, name="reject_list"),
    path("receipts/<uuid:receipt_id>/withdraw/", views.withdraw, name="withdraw"),
]
