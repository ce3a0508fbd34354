"""Addresses of the desk."""

from django.urls import path

from jinmai.desks.credit import views

app_name = "credit"
urlpatterns = [
    path("subjects/", views.subject_list, name="subject_list"),
    path("subjects/<uuid:subject_id>/", views.sheet, name="sheet"),
    path("own/", views.own_sheet, name="own_sheet"),
    path("consents/", views.consent_list, name="consent_list"),
    path("consents/new/", views.grant_consent, name="grant_consent"),
    path("consents/<uuid:consent_id>/revoke/", views.revoke_consent, name="revoke_consent"),
    path("access/", views.access_book, name="access_book"),
]
