from importlib import import_module

from django.apps import AppConfig


class MessagingConfig(AppConfig):
    name = "messaging"

    def ready(self) -> None:
        import_module("messaging.services.access_news")  # also in a process that says nothing else to people
