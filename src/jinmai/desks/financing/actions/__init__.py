"""Every write of the desk, by the stage it belongs to; import the verbs from here."""

from jinmai.desks.financing.actions.decisions import (
    accept_terms,
    decide_order,
    decline_terms,
    record_disbursement,
    verify_first_time,
)
from jinmai.desks.financing.actions.needs import draft_need, submit_need, update_need, withdraw_need
from jinmai.desks.financing.actions.orders import (
    accept_order,
    decline_order,
    papers_complete,
    record_contact,
    record_visit,
    request_papers,
    supply_papers,
    take_order,
)
from jinmai.desks.financing.actions.products import load_reasons, publish_product

__all__ = [
    "accept_order",
    "accept_terms",
    "decide_order",
    "decline_order",
    "decline_terms",
    "draft_need",
    "load_reasons",
    "papers_complete",
    "publish_product",
    "record_contact",
    "record_disbursement",
    "record_visit",
    "request_papers",
    "submit_need",
    "supply_papers",
    "take_order",
    "update_need",
    "verify_first_time",
    "withdraw_need",
]
