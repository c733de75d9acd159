import pytest
from django.apps import apps
from django.contrib import admin as site
from django.contrib.auth.models import Permission
from django.core.cache import cache
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import NoReverseMatch, reverse
from django.utils import timezone

from accounts.tests.factories import UserFactory
from messaging import services
from messaging.models import Attachment, MailOptOut, MessageReport, Notification, OutgoingMail
from messaging.tests.factories import due_mail
from messaging.tests.test_conversations import say

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
    assert [row.notification.subject for row in page.context["cl"].queryset] == [found]


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


@pytest.mark.parametrize("kind", ["messaging.written", "messaging.unread"])
def test_not_even_a_superuser_reads_messages_in_what_people_were_told(buyer, admin_user, sign_in, kind):
    mail = due_mail(buyer)
    Notification.objects.update(kind=kind, body="Meet me at the harbour", facts=[["Said", "at the harbour"]])
    admin = sign_in(admin_user)
    pages = [
        *(reverse(f"admin:messaging_{model}_changelist") for model in ("notification", "outgoingmail")),
        reverse("admin:messaging_notification_change", args=[mail.notification_id]),
        reverse("admin:messaging_outgoingmail_change", args=[mail.pk]),
    ]
    assert [page for page in pages if "harbour" in admin.get(page).content.decode()] == []
    Notification.objects.update(kind="tests.thing")
    assert all("at the harbour" in admin.get(page).content.decode() for page in pages[2:])


# --- Reported messages ----------------------------------------------------------------------------------------------
QUEUE = reverse("admin:messaging_messagereport_changelist")
WHY = "This is what the rules of the site forbid."


@pytest.fixture
def colleague(moderator):
    """Staff who may decide about reported messages, and nothing else."""
    moderator.user_permissions.set([Permission.objects.get(codename="moderate_messages")])
    return moderator


@pytest.fixture
def reported(buyer, freelancer) -> MessageReport:
    """The buyer reports the twelfth of twenty-four messages, which the freelancer has changed since."""
    cache.clear()
    said = [say(*((freelancer, buyer) if n % 2 == 0 else (buyer, freelancer)), f"Message {n:02}.") for n in range(1, 25)]
    services.change_message(actor=freelancer, message_id=said[11].pk, content="Nothing to see.")
    services.change_message(actor=buyer, message_id=said[10].pk, content=None)
    return services.report(actor=buyer, message_id=said[11].pk, reason="scam", note="He wanted a gift card.")


def page_of(report: MessageReport, page: str = "case") -> str:
    return reverse(f"admin:messaging_messagereport_{page}", args=[report.pk])


def test_the_queue_shows_the_longest_waiting_first_and_counts_each_list(buyer, freelancer, stranger, colleague, sign_in):
    first, second, third = (
        services.report(actor=to, message_id=say(freelancer, to, words).pk, reason="spam")
        for to, words in ((buyer, "Buy one"), (stranger, "Buy two"), (buyer, "Buy three"))
    )
    services.decide(actor=colleague, report_id=second.pk, decision="upheld", note=WHY)
    desk = sign_in(colleague)
    page = desk.get(QUEUE)
    assert list(page.context["page_obj"]) == [first, third]
    assert [(tab["label"], tab["count"]) for tab in page.context["tabs"]] == [
        ("Open", 2),
        ("The report is right", 1),
        ("Nothing wrong here", 0),
    ]
    assert [list(desk.get(QUEUE, {"tab": tab}).context["page_obj"]) for tab in ("upheld", "dismissed")] == [[second], []]
    assert list(desk.get(QUEUE, {"tab": "nonsense"}).context["page_obj"]) == [first, third]
    assert list(desk.get(QUEUE, {"q": "LI-wei"}).context["page_obj"]) == [second]
    assert list(desk.get(QUEUE, {"q": "jose@example.com"}).context["page_obj"]) == [third, second, first]


def test_the_front_page_says_how_many_wait(reported, colleague, sign_in):
    desks = sign_in(colleague).get("/admin/").context["desks"]
    assert [(desk["title"], desk["count"], desk["href"]) for desk in desks] == [("Reported messages", 1, QUEUE)]


def test_the_queue_asks_the_database_the_same_for_one_report_and_for_thirty(freelancer, colleague, sign_in):
    desk, counts = sign_in(colleague), []
    for more in (1, 29):
        for reader in UserFactory.create_batch(more):
            cache.clear()
            say(reader, freelancer, "What do you sell?")
            services.report(actor=reader, message_id=say(freelancer, reader, "Buy now").pk, reason="spam")
        desk.get(QUEUE)
        with CaptureQueriesContext(connection) as queries:
            assert len(desk.get(QUEUE).context["page_obj"]) == (1 if more == 1 else 30)
        counts.append(len(queries))
    assert counts[0] == counts[1]


def test_the_case_shows_ten_messages_before_and_after_in_every_wording(reported, colleague, sign_in):
    page = sign_in(colleague).get(page_of(reported))
    html = page.content.decode()
    shown = [n for n in range(1, 25) if f"Message {n:02}." in html]
    assert shown == list(range(2, 23))
    assert "Nothing to see." in html  # what it was changed to may be the worse part
    assert "He wanted a gift card." in html
    assert [html.count(f">{badge}<") for badge in ("Changed since", "Deleted since", "Reported")] == [1, 1, 1]
    assert f"/admin/accounts/user/{reported.reporter_id}/" not in html
    colleague.user_permissions.add(Permission.objects.get(codename="view_user"))
    assert f"/admin/accounts/user/{reported.reporter_id}/" in sign_in(colleague).get(page_of(reported)).content.decode()


def test_the_case_shows_what_else_is_known_of_both(reported, buyer, freelancer, stranger, colleague, sign_in):
    about_both = [
        services.report(actor=stranger, message_id=say(freelancer, stranger).pk, reason="abuse"),
        services.report(actor=freelancer, message_id=say(buyer, freelancer).pk, reason="spam"),
    ]
    services.decide(actor=colleague, report_id=about_both[0].pk, decision="upheld", note=WHY)
    of_writer, of_reporter = sign_in(colleague).get(page_of(reported)).context["records"]
    assert (of_writer.person, of_writer.against, of_writer.against_upheld) == (freelancer, [about_both[0]], 1)
    assert (of_writer.made, of_writer.made_upheld) == ([about_both[1]], 0)
    assert (of_reporter.person, of_reporter.against, of_reporter.made) == (buyer, [about_both[1]], [])


def test_what_people_write_is_text_at_the_desk(buyer, freelancer, colleague, sign_in):
    attack = "<script>alert(1)</script>"
    report = services.report(actor=buyer, message_id=say(freelancer, buyer, attack).pk, reason="other", note=attack)
    for page in (QUEUE, page_of(report)):
        assert attack not in sign_in(colleague).get(page).content.decode()


def test_a_report_is_decided_at_the_desk_with_a_reason(reported, buyer, colleague, sign_in):
    desk = sign_in(colleague)
    for form in ({}, {"decision": "upheld", "note": "Too short."}, {"decision": "banned", "note": WHY}):
        page = desk.post(page_of(reported, "decide"), form)
        assert (page.status_code, bool(page.context["form"].errors)) == (200, True)
    answer = desk.post(page_of(reported, "decide"), {"decision": "upheld", "note": WHY}, follow=True)
    assert [str(m) for m in answer.context["messages"]] == ["Decided. Who reported it is told."]
    assert WHY in answer.content.decode()
    assert page_of(reported, "decide") not in answer.content.decode()
    reported.refresh_from_db()
    assert (reported.decision, reported.decided_by) == ("upheld", colleague)
    assert Notification.objects.filter(user=buyer, kind="messaging.report_decided").count() == 1


def test_whoever_comes_second_sees_what_was_decided_and_their_words_change_nothing(reported, colleague, sign_in):
    services.decide(actor=colleague, report_id=reported.pk, decision="upheld", note=WHY)
    page = sign_in(colleague).post(page_of(reported, "decide"), {"decision": "dismissed", "note": "I see nothing wrong in it."})
    assert page.context["refused"] == ["Ingrid Bø has decided it already: The report is right."]
    reported.refresh_from_db()
    assert reported.decision == "upheld"


def test_a_report_of_ones_own_conversation_is_not_at_ones_desk(reported, freelancer, buyer, sign_in):
    for party in (freelancer, buyer):
        party.is_staff = party.is_superuser = True
        party.save()
        desk = sign_in(party)
        assert list(desk.get(QUEUE).context["page_obj"]) == []
        assert desk.get(page_of(reported)).status_code == 404
        assert desk.post(page_of(reported, "decide"), {"decision": "dismissed", "note": WHY}).status_code == 404
    reported.refresh_from_db()
    assert reported.decision == ""


def test_without_the_permission_the_desk_is_closed(reported, moderator, sign_in):
    desk = sign_in(moderator)
    assert {desk.get(page).status_code for page in (QUEUE, page_of(reported))} == {403}
    assert desk.post(page_of(reported, "decide"), {"decision": "dismissed", "note": WHY}).status_code == 403
    assert QUEUE not in desk.get("/admin/").content.decode()


def test_files_around_a_reported_message_open_for_moderators_and_no_others_do(buyer, freelancer, moderator, colleague, sign_in):
    files = [services.hand_in(actor=freelancer, upload=SimpleUploadedFile("a.zip", b"work")) for _n in range(3)]
    near, other, far = files
    shown = say(freelancer, buyer, file_ids=[near.pk])
    report = services.report(actor=buyer, message_id=say(freelancer, buyer).pk, reason="scam")
    for _n in range(9):
        say(freelancer, buyer)
    say(freelancer, buyer, file_ids=[other.pk])
    say(freelancer, buyer, file_ids=[far.pk])
    services.change_message(actor=freelancer, message_id=shown.pk, content=None)
    desk = sign_in(colleague)
    answers = [desk.get(reverse("admin:messaging_messagereport_file", args=[file.pk])) for file in files]
    assert [answer.status_code for answer in answers] == [200, 200, 404]
    assert [answer.getvalue() for answer in answers[:2]] == [b"work", b"work"]
    assert answers[0]["Content-Disposition"] == 'attachment; filename="a.zip"'
    html = desk.get(page_of(report)).content.decode()
    assert [str(file.pk) in html for file in files] == [True, True, False]
    assert desk.get(reverse("messaging:file", args=[near.pk])).status_code == 404
    colleague.user_permissions.clear()
    assert desk.get(reverse("admin:messaging_messagereport_file", args=[near.pk])).status_code == 403
    loose = Attachment.objects.create(uploader=buyer, file="x", name="x", size=1, created_at=timezone.now())
    colleague.user_permissions.set([Permission.objects.get(codename="moderate_messages")])
    assert desk.get(reverse("admin:messaging_messagereport_file", args=[loose.pk])).status_code == 404


# --- Privacy --------------------------------------------------------------------------------------------------------
def test_conversations_have_no_pages_of_their_own_in_admin():
    shown = {model.__name__ for model in site.site._registry if model._meta.app_label == "messaging"}
    assert not shown & {"Conversation", "Participation", "Message", "Attachment", "WebhookDelivery"}
    for model in apps.get_app_config("messaging").get_models():
        if model.__name__ not in shown:
            with pytest.raises(NoReverseMatch):
                reverse(f"admin:messaging_{model._meta.model_name}_changelist")


def test_blocks_are_read_in_admin_and_never_made_there(buyer, freelancer, admin_user, sign_in):
    services.block(actor=buyer, user=freelancer)
    admin = sign_in(admin_user)
    assert "Amara Okafor" in admin.get(reverse("admin:messaging_block_changelist"), {"q": "jose@example.com"}).content.decode()
    assert admin.get(reverse("admin:messaging_block_add")).status_code == 403
