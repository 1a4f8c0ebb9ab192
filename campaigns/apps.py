from django.apps import AppConfig


class CampaignsConfig(AppConfig):
    name = "campaigns"

    def ready(self) -> None:
        from campaigns import handover, past, withdrawal
        from campaigns.models import Campaign
        from customers import campaign_names, consents, imports
        from customers.imports import campaign_undo

        # What customers cannot know: a past campaign's history is also a campaign.
        imports.on_completion("campaign", imports.Completion(past.objection, past.record))
        campaign_undo.way_back(campaign_undo.WayBack(past.standing, past.remove))
        # What customers and staff cannot know: open leads go along when a portfolio or a branch is given over.
        handover.declare()
        # Nor what a campaign is called: the history of customers keeps its code.
        campaign_names.known_by(Campaign._meta.db_table)
        # Whoever objects, through whatever door, is called no more: their leads end in the same transaction.
        consents.on_silence(consents.Silence(withdrawal.stop, withdrawal.resume))
