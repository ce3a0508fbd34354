"""Addresses of the registers."""

from django.urls import path

from jinmai.desks.parties import views

app_name = "parties"
urlpatterns = [
    path("firms/", views.firm_list, name="firm_list"),
    path("firms/new/", views.register_firm, name="register_firm"),
    path("firms/<uuid:firm_id>/", views.firm_detail, name="firm_detail"),
    path("firms/<uuid:firm_id>/update/", views.update_firm, name="update_firm"),
    path("institutions/", views.institution_list, name="institution_list"),
    path("institutions/<uuid:institution_id>/", views.institution_detail, name="institution_detail"),
]
