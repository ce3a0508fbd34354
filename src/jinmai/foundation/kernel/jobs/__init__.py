"""Long work (后台任务): leased, with progress, cancelled between steps, resumed from its cursor."""
