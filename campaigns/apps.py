from django.apps import AppConfig


class CampaignsConfig(AppConfig):
    name = "campaigns"

    def ready(self) -> None:
        from campaigns import past
        from customers import imports

        # What customers cannot know: a past campaign's history is also a campaign.
        imports.on_completion("campaign", imports.Completion(past.objection, past.record))
