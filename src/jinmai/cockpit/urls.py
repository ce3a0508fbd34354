"""Addresses of the cockpit."""

from django.urls import path

from jinmai.cockpit import views

app_name = "cockpit"
urlpatterns = [
    path("", views.overview, name="overview"),
    path("rows/", views.rows, name="rows"),
    path("table/", views.table, name="table"),
]
