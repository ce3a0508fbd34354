"""Every write of the desk, by procedure; import the verbs from here."""

from jinmai.desks.credit.actions.months import acknowledge_alert, freeze_month, raise_alerts
from jinmai.desks.credit.actions.objections import (
    accept_objection,
    alarm_objections,
    file_objection,
    reject_objection,
    request_objection_papers,
    state_objection,
    supply_objection_papers,
    verify_objection,
    withdraw_objection,
)
from jinmai.desks.credit.actions.repairs import (
    attest_repair,
    decide_repair,
    file_repair,
    request_repair_papers,
    supply_repair_papers,
    withdraw_repair,
)

__all__ = [
    "accept_objection",
    "acknowledge_alert",
    "alarm_objections",
    "attest_repair",
    "decide_repair",
    "file_objection",
    "file_repair",
    "freeze_month",
    "raise_alerts",
    "reject_objection",
    "request_objection_papers",
    "request_repair_papers",
    "state_objection",
    "supply_objection_papers",
    "supply_repair_papers",
    "verify_objection",
    "withdraw_objection",
    "withdraw_repair",
]
