"""Addresses of the desk."""

from django.urls import path

from jinmai.desks.financing.views import needs, orders, products, steps

app_name = "financing"
urlpatterns = [
    path("needs/", needs.need_list, name="need_list"),
    path("needs/new/", needs.need_new, name="need_new"),
    path("needs/<uuid:pk>/", needs.need_detail, name="need_detail"),
    path("needs/<uuid:pk>/edit/", needs.need_edit, name="need_edit"),
    path("needs/<uuid:pk>/figures/", needs.need_figures, name="need_figures"),
    path("needs/<uuid:pk>/match/", needs.need_match, name="need_match"),
    path("needs/<uuid:pk>/submit/", needs.need_submit, name="submit_need"),
    path("needs/<uuid:pk>/withdraw/", steps.withdraw_need, name="withdraw_need"),
    path("pool/", orders.pool, name="pool"),
    path("orders/", orders.order_list, name="order_list"),
    path("orders/<uuid:pk>/", orders.order_detail, name="order_detail"),
    path("orders/<uuid:pk>/take/", steps.take_order, name="take_order"),
    path("orders/<uuid:pk>/accept/", steps.accept_order, name="accept_order"),
    path("orders/<uuid:pk>/decline/", steps.decline_order, name="decline_order"),
    path("orders/<uuid:pk>/contact/", steps.record_contact, name="record_contact"),
    path("orders/<uuid:pk>/visit/", steps.record_visit, name="record_visit"),
    path("orders/<uuid:pk>/papers/request/", steps.request_papers, name="request_papers"),
    path("orders/<uuid:pk>/papers/supply/", steps.supply_papers, name="supply_papers"),
    path("orders/<uuid:pk>/papers/complete/", steps.papers_complete, name="papers_complete"),
    path("orders/<uuid:pk>/decide/", steps.decide_order, name="decide_order"),
    path("orders/<uuid:pk>/terms/accept/", steps.accept_terms, name="accept_terms"),
    path("orders/<uuid:pk>/terms/decline/", steps.decline_terms, name="decline_terms"),
    path("orders/<uuid:pk>/disburse/", steps.record_disbursement, name="record_disbursement"),
    path("loans/", orders.loan_list, name="loan_list"),
    path("loans/<uuid:pk>/verify/", steps.verify_first_time, name="verify_first_time"),
    path("products/", products.product_list, name="product_list"),
    path("products/<slug:code>/", products.product_detail, name="product_detail"),
    path("reasons/", products.reason_list, name="reason_list"),
    path("case/<str:number>/", needs.by_number, name="by_number"),
]
