import pytest
from django.contrib.auth.models import Permission
from django.urls import reverse
from django.utils import timezone

from messaging.models import MailOptOut, Notification, OutgoingMail
from messaging.tests.factories import due_mail

MODELS = ["notification", "outgoingmail", "mailoptout"]
MAIL_LIST = reverse("admin:messaging_outgoingmail_changelist")


@pytest.fixture
def rows(buyer) -> dict[str, int]:
    """One row of each model, the mail given up."""
    mail = due_mail(buyer, next_attempt_at=None, attempts=6, last_error="550 no such mailbox")
    opt_out = MailOptOut.objects.create(user=buyer, kind="tests.thing")
    return {"notification": mail.notification_id, "outgoingmail": mail.pk, "mailoptout": opt_out.pk}


@pytest.fixture
def admin_user(moderator):
    moderator.is_superuser = True
    moderator.save()
    return moderator


@pytest.mark.parametrize("model", MODELS)
def test_everything_can_be_read_and_nothing_added_changed_or_deleted(rows, admin_user, sign_in, model):
    admin = sign_in(admin_user)
    before = list(Notification.objects.values()), list(OutgoingMail.objects.values()), list(MailOptOut.objects.values())
    assert admin.get(reverse(f"admin:messaging_{model}_changelist")).status_code == 200
    change = reverse(f"admin:messaging_{model}_change", args=[rows[model]])
    assert admin.get(change).status_code == 200
    assert admin.post(change, {"subject": "Other", "kind": "other"}).status_code == 403
    assert admin.get(reverse(f"admin:messaging_{model}_add")).status_code == 403
    assert admin.post(reverse(f"admin:messaging_{model}_delete", args=[rows[model]]), {"post": "yes"}).status_code == 403
    assert (list(Notification.objects.values()), list(OutgoingMail.objects.values()), list(MailOptOut.objects.values())) == before


@pytest.mark.parametrize(("state", "found"), [("waiting", "waiting"), ("sent", "sent"), ("given-up", "given up")])
def test_mail_is_found_by_its_state(buyer, admin_user, sign_in, state, found):
    due_mail(buyer, subject="waiting")
    due_mail(buyer, subject="sent", next_attempt_at=None, sent_at=timezone.now())
    due_mail(buyer, subject="given up", next_attempt_at=None)
    page = sign_in(admin_user).get(MAIL_LIST, {"state": state})
    assert [row.subject for row in page.context["cl"].queryset] == [found]


def try_again(client, *ids: int):
    return client.post(MAIL_LIST, {"action": "try_again", "_selected_action": ids}, follow=True)


def test_given_up_mail_is_tried_again_from_admin(rows, admin_user, sign_in):
    response = try_again(sign_in(admin_user), rows["outgoingmail"])
    assert [str(m) for m in response.context["messages"]] == ["1 mail will be tried again."]
    mail = OutgoingMail.objects.get()
    assert (mail.attempts, mail.next_attempt_at is not None, mail.last_error) == (0, True, "550 no such mailbox")


def test_who_may_only_look_cannot_try_again(rows, moderator, sign_in):
    moderator.user_permissions.add(Permission.objects.get(codename="view_outgoingmail"))
    try_again(sign_in(moderator), rows["outgoingmail"])
    assert OutgoingMail.objects.get().next_attempt_at is None
