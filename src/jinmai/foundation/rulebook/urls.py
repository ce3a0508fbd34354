"""Addresses of the rulebook."""

from __future__ import annotations

from django.urls import path

from jinmai.foundation.rulebook import views

app_name = "rulebook"
urlpatterns = [
    path("", views.rule_list, name="rule_list"),
    path("<slug:rule_id>/", views.rule_detail, name="rule_detail"),
]
