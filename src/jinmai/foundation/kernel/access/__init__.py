"""Who may do what: accounts (账号), roles (角色), operations (操作) and the pages and routes that carry them out."""
