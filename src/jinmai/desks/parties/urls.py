"""Addresses of the registers."""

from django.urls import path

from jinmai.desks.parties.views import holdings
from jinmai.desks.parties.views import registers as views

app_name = "parties"
urlpatterns = [
    path("firms/", views.firm_list, name="firm_list"),
    path("firms/new/", views.register_firm, name="register_firm"),
    path("firms/<uuid:firm_id>/", views.firm_detail, name="firm_detail"),
    path("firms/<uuid:firm_id>/update/", views.update_firm, name="update_firm"),
    path("firms/<uuid:firm_id>/ownership/", holdings.ownership, name="ownership"),
    path("firms/<uuid:firm_id>/ownership/file/", holdings.download_ownership, name="download_ownership"),
    path("institutions/", views.institution_list, name="institution_list"),
    path("institutions/<uuid:institution_id>/", views.institution_detail, name="institution_detail"),
]
