"""The WSGI application: opens the home named by ``JINMAI_HOME``, checks what was declared, serves."""

from __future__ import annotations

import os

from jinmai.foundation.kernel.home import boot

boot(os.environ.get("JINMAI_HOME"), create=False)

from django.core.wsgi import get_wsgi_application  # noqa: E402

from jinmai.site.startup import check  # noqa: E402

application = get_wsgi_application()
check()
