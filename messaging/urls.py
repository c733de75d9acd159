from django.urls import path

from messaging.views import away, conversations, files, notifications

app_name = "messaging"
urlpatterns = [
    path("messages/", conversations.inbox, name="inbox"),
    path("messages/files/", files.upload, name="upload"),
    path("messages/files/<uuid:attachment_id>/", files.file, name="file"),
    path("messages/files/<uuid:attachment_id>/preview/", files.preview, name="preview"),
    path("messages/with/<slug:handle>/", conversations.write, name="write"),
    path("messages/with/<slug:handle>/block/", conversations.block, name="block"),
    path("messages/with/<slug:handle>/unblock/", conversations.unblock, name="unblock"),
    path("messages/<uuid:conversation_id>/", conversations.conversation, name="conversation"),
    path("messages/<uuid:conversation_id>/send/", conversations.send, name="send"),
    path("messages/<uuid:conversation_id>/seen/", conversations.seen, name="seen"),
    path("messages/<uuid:conversation_id>/arrange/", conversations.arrange, name="arrange"),
    path("messages/<uuid:message_id>/change/", conversations.change, name="change"),
    path("messages/<uuid:message_id>/delete/", conversations.delete, name="delete"),
    path("messages/<uuid:message_id>/report/", conversations.report, name="report"),
    path("notifications/", notifications.notifications, name="notifications"),
    path("notifications/read-all/", notifications.read_all, name="read_all"),
    path("notifications/<int:notification_id>/open/", notifications.open_notification, name="open"),
    path("settings/mail/", notifications.mail_settings, name="mail_settings"),
    path("settings/contact/", away.contact_settings, name="contact_settings"),
    path("settings/webhooks/", away.webhooks, name="webhooks"),
    path("settings/webhooks/new/", away.webhook_create, name="webhook_create"),
    path("settings/webhooks/<uuid:webhook_id>/", away.webhook, name="webhook"),
    path("settings/webhooks/<uuid:webhook_id>/test/", away.webhook_test, name="webhook_test"),
    path("settings/webhooks/<uuid:webhook_id>/disable/", away.webhook_disable, name="webhook_disable"),
    path("settings/webhooks/<uuid:webhook_id>/enable/", away.webhook_enable, name="webhook_enable"),
    path("settings/webhooks/<uuid:webhook_id>/delete/", away.webhook_delete, name="webhook_delete"),
    path("mail/unsubscribe/<str:token>/", notifications.unsubscribe, name="unsubscribe"),
    path("mail/unsubscribe/<str:token>/undo/", notifications.resubscribe, name="resubscribe"),
]
