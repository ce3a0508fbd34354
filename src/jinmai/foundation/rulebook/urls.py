"""Addresses of the rulebook."""

from __future__ import annotations

from django.urls import path

from jinmai.foundation.rulebook import basis_page, views

app_name = "rulebook"
urlpatterns = [
    path("", views.rule_list, name="rule_list"),
    path("basis/<str:ref>/", basis_page.basis, name="basis"),
    path("<slug:rule_id>/", views.rule_detail, name="rule_detail"),
]
