"""Every write of the desk, by the stage it belongs to; import the verbs from here."""

from jinmai.desks.financing.actions.criteria import (
    answer_evidence,
    attest_criterion,
    conclude_criteria,
    request_evidence,
    withdraw_attestation,
    withdraw_evidence,
)
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
from jinmai.desks.financing.actions.renewals import (
    issue_renewal_letter,
    keep_renewal_letter,
    lapse_renewal_letters,
    withdraw_renewal_letter,
)
from jinmai.desks.financing.actions.urging import urge_order
from jinmai.desks.financing.actions.zones import load_zones

__all__ = [
    "accept_order",
    "accept_terms",
    "answer_evidence",
    "attest_criterion",
    "conclude_criteria",
    "decide_order",
    "decline_order",
    "decline_terms",
    "draft_need",
    "issue_renewal_letter",
    "keep_renewal_letter",
    "lapse_renewal_letters",
    "load_reasons",
    "load_zones",
    "papers_complete",
    "publish_product",
    "record_contact",
    "record_disbursement",
    "record_visit",
    "request_evidence",
    "request_papers",
    "submit_need",
    "supply_papers",
    "take_order",
    "update_need",
    "urge_order",
    "verify_first_time",
    "withdraw_attestation",
    "withdraw_evidence",
    "withdraw_need",
    "withdraw_renewal_letter",
]
