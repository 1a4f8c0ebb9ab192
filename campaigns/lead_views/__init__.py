"""Pages of whoever works on leads: relationship managers, and branch managers with their teams."""
