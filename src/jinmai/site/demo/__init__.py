"""The example city (示例城市): firms, invoices, the cast and a year of work, built through import and actions."""
