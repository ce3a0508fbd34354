"""The one list (清单): filters as sentences, sorting, pages, totals, saved views, chosen columns, bulk, export as seen.

A desk declares a ``ListPage`` over a queryset (already ``visible_to(actor)``, with its ``select_related``) or over a
list of objects or dictionaries, and returns ``page.respond(request)``. What the reader presses on the list (keep a
view, choose columns, do something to many rows) is posted to the list's own address and answered here, too.
"""

from jinmai.foundation.ui.lists.bulk import BulkAction
from jinmai.foundation.ui.lists.columns import Column, reach
from jinmai.foundation.ui.lists.filters import Filter
from jinmai.foundation.ui.lists.page import Button, ListPage, View

__all__ = ["BulkAction", "Button", "Column", "Filter", "ListPage", "View", "reach"]
