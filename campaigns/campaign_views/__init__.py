"""Pages of planners and approvers: campaigns, their approval, plans, offers."""
