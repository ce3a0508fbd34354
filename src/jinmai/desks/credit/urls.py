"""Addresses of the desk."""

from django.urls import path

from jinmai.desks.credit.views import months, objections, repairs, sheets

app_name = "credit"
urlpatterns = [
    path("subjects/", sheets.subject_list, name="subject_list"),
    path("subjects/<uuid:subject_id>/", sheets.sheet, name="sheet"),
    path("own/", sheets.own_sheet, name="own_sheet"),
    path("consents/", sheets.consent_list, name="consent_list"),
    path("consents/new/", sheets.grant_consent, name="grant_consent"),
    path("consents/<uuid:consent_id>/revoke/", sheets.revoke_consent, name="revoke_consent"),
    path("access/", sheets.access_book, name="access_book"),
    path("objections/", objections.objection_list, name="objection_list"),
    path("objections/new/", objections.file_objection, name="file_objection"),
    path("objections/<uuid:pk>/", objections.objection_detail, name="objection_detail"),
    path("objections/<uuid:pk>/accept/", objections.accept_objection, name="accept_objection"),
    path("objections/<uuid:pk>/reject/", objections.reject_objection, name="reject_objection"),
    path("objections/<uuid:pk>/papers/request/", objections.request_objection_papers, name="request_objection_papers"),
    path("objections/<uuid:pk>/papers/supply/", objections.supply_objection_papers, name="supply_objection_papers"),
    path("objections/<uuid:pk>/verify/", objections.verify_objection, name="verify_objection"),
    path("objections/<uuid:pk>/withdraw/", objections.withdraw_objection, name="withdraw_objection"),
    path("objections/<uuid:pk>/statement/", objections.state_objection, name="state_objection"),
    path("repairs/", repairs.repair_list, name="repair_list"),
    path("repairs/new/", repairs.file_repair, name="file_repair"),
    path("repairs/<uuid:pk>/", repairs.repair_detail, name="repair_detail"),
    path("repairs/<uuid:pk>/attest/", repairs.attest_repair, name="attest_repair"),
    path("repairs/<uuid:pk>/decide/", repairs.decide_repair, name="decide_repair"),
    path("repairs/<uuid:pk>/papers/request/", repairs.request_repair_papers, name="request_repair_papers"),
    path("repairs/<uuid:pk>/papers/supply/", repairs.supply_repair_papers, name="supply_repair_papers"),
    path("repairs/<uuid:pk>/withdraw/", repairs.withdraw_repair, name="withdraw_repair"),
    path("months/", months.month_list, name="month_list"),
    path("alerts/", months.alert_list, name="alert_list"),
    path("alerts/<uuid:pk>/", months.alert_detail, name="alert_detail"),
    path("alerts/<uuid:pk>/acknowledge/", months.acknowledge_alert, name="acknowledge_alert"),
]
