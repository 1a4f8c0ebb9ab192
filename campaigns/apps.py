from django.apps import AppConfig


class CampaignsConfig(AppConfig):
    name = "campaigns"

    def ready(self) -> None:
        from campaigns import handover, notes, past, withdrawal
        from campaigns.models import Arm, Campaign, Lead
        from customers import campaign_names, consents, imports, timeline
        from customers.imports import campaign_undo

        # What customers cannot know: a past campaign's history is also a campaign.
        imports.on_completion("campaign", imports.Completion(past.objection, past.record))
        campaign_undo.way_back(campaign_undo.WayBack(past.standing, past.remove))
        # What customers and staff cannot know: open leads go along when a portfolio or a branch is given over.
        handover.declare()
        # Nor what a campaign is called: the history of customers keeps its code.
        campaign_names.known_by(Campaign._meta.db_table)
        campaign_names.arms_known_by(
            f"SELECT arm.name FROM {Arm._meta.db_table} arm"  # noqa: S608  names of tables
            f" JOIN {Campaign._meta.db_table} planned ON planned.id = arm.campaign_id"
            " WHERE planned.code = {campaign} AND arm.code = {arm}"
        )
        campaign_names.outcomes_called(dict(Lead.Outcome.choices))
        # What was typed about a lead belongs to what happened with its customer.
        timeline.told_by(timeline.Group.NOTES, notes.TIMELINE)
        # Whoever objects, through whatever door, is called no more: their leads end in the same transaction.
        consents.on_silence(consents.Silence(withdrawal.stop, withdrawal.resume))
