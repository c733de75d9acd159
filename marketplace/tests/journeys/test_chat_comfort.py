"""A conversation in the hand: what is read stays in its place, keys lead to the field, little is announced."""

import pytest
from playwright.sync_api import Page, expect

from messaging import presence, services
from messaging.models import Message
from messaging.selectors import find_side
from messaging.services import conversations
from messaging.tests.test_conversations import say
from orders.states import Status
from orders.tests.factories import order_in

from .asgi_server import AsgiServer
from .conftest import follow
from .test_chat import write

pytestmark = pytest.mark.browser
A_FRAME = "await new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)));"  # laid out, scrolled, told of it
PLACE = f"""async list => {{
    {A_FRAME}
    const top = list.getBoundingClientRect().top;
    const read = [...list.querySelectorAll(".bubble")].find(bubble => bubble.getBoundingClientRect().bottom > top);
    return [read.id, Math.round(read.getBoundingClientRect().top - top)];
}}"""
ONLINE = "dispatchEvent(new Event('online'))"
NEW_BEFORE = ".chat__new + .bubble .bubble__words"


@pytest.fixture(autouse=True)
def _nobody_writes_too_fast(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(conversations, "PER_WINDOW", 1000)


@pytest.fixture
def talk(buyer, freelancer) -> None:
    for n in range(1, 13):
        say(freelancer, buyer, f"{n} " + "long " * 120)
    side = find_side(buyer, freelancer.pk)
    services.mark_seen(actor=buyer, conversation_id=side.conversation_id, read=12)


@pytest.fixture
def server(live_server: AsgiServer, watch) -> AsgiServer:
    """The one that goes away; what the browser says of that is meant to happen."""
    for part in ("WebSocket connection to", "ERR_", "htmx:"):
        watch.expect(part)
    return live_server


@pytest.fixture
def page(page_for, buyer, freelancer) -> Page:
    page: Page = page_for(buyer, width=390)
    open_talk(page, freelancer)
    return page


def open_talk(page: Page, other) -> None:
    page.goto(f"/messages/with/{other.handle}/")
    expect(page.locator("[data-chat-presence]")).to_be_visible()


def messages(page: Page):
    return page.locator("[data-chat-scroll]")


def test_what_arrives_while_one_reads_further_up_moves_nothing_and_is_marked_at_its_first(talk, page, buyer, freelancer):
    messages(page).evaluate("list => { list.scrollTop = -2000 }")
    field = page.get_by_label("Your message").bounding_box()
    before = messages(page).evaluate(PLACE)
    for words in ("First", "Second", "Third"):
        say(freelancer, buyer, words)
    expect(page.locator(".bubble__words").last).to_have_text("Third")
    assert messages(page).evaluate(PLACE) == before
    assert page.locator(NEW_BEFORE).inner_text() == "First"
    messages(page).focus()
    page.keyboard.press("End")
    expect(page.locator("#unread-messages")).to_have_text("Messages")
    assert page.get_by_label("Your message").bounding_box() == field


def test_neither_typing_nor_a_broken_line_move_the_field(talk, page, page_for, buyer, freelancer, server):
    field = page.get_by_label("Your message").bounding_box()
    other = page_for(freelancer)
    open_talk(other, buyer)
    other.get_by_label("Your message").press_sequentially("Ye")
    expect(page.locator("[data-chat-typing]")).to_be_visible()
    assert page.get_by_label("Your message").bounding_box() == field
    with server.away():
        expect(page.locator("[data-chat-status]")).to_be_visible()
        assert page.get_by_label("Your message").bounding_box() == field
    page.evaluate(ONLINE)
    expect(page.locator("[data-chat-status]")).to_be_hidden()


def test_after_hours_of_sleep_hundreds_of_messages_come_in_one_go(talk, page, buyer, freelancer, server):
    """They begin where the person left, are told once, and cost few frames: more than 100 a second would close the socket."""
    frames: list[str] = []
    page.on("websocket", lambda socket: socket.on("framesent", lambda frame: frames.append(str(frame))))
    with server.away():
        expect(page.locator("[data-chat-status]")).to_be_visible()
        for n in range(1, 121):
            say(freelancer, buyer, f"Missed {n}")
    page.evaluate(ONLINE)
    expect(page.locator(".bubble")).to_have_count(132)
    expect(page.get_by_text("New messages", exact=True)).to_be_in_viewport()
    assert page.locator(NEW_BEFORE).inner_text() == "Missed 1"
    expect(page.locator("#live")).to_have_text("New message from José")
    assert len(frames) < 20
    seqs = page.locator(".bubble").evaluate_all("all => all.map(one => Number(one.dataset.seq))")
    assert seqs == [*range(1, 133)]


def test_what_is_said_from_an_earlier_page_leads_to_the_end_and_stands_there(talk, page, buyer, freelancer):
    page.goto(f"{page.url}?before=6")
    write(page, "About what you said on Monday")
    expect(page.locator(".bubble__words").last).to_have_text("About what you said on Monday")
    expect(page.locator(".bubble--mine [data-state]")).to_have_text("Sent")
    expect(page.get_by_text("You see earlier messages")).to_have_count(0)
    assert Message.objects.filter(sender=buyer).count() == 1


def test_with_the_keyboard_open_the_field_and_its_button_are_in_sight(talk, page):
    page.get_by_label("Your message").focus()
    page.set_viewport_size({"width": 390, "height": 420})
    expect(page.get_by_role("button", name="Send", exact=True)).to_be_in_viewport(ratio=1)
    expect(page.get_by_label("Your message")).to_be_in_viewport(ratio=1)


def test_keys_lead_past_the_messages_to_the_field_and_back_out(talk, page):
    page.get_by_role("link", name="Skip to the field").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_label("Your message")).to_be_focused()
    messages(page).focus()
    page.keyboard.press("Escape")
    expect(page.get_by_label("Your message")).to_be_focused()


def test_earlier_messages_leave_the_focus_where_more_can_be_asked_for(page_for, buyer, freelancer):
    for n in range(101):
        say(freelancer, buyer, f"{n}")
    page = page_for(buyer)
    open_talk(page, freelancer)
    page.get_by_role("link", name="Earlier messages").focus()
    page.keyboard.press("Enter")
    expect(page.locator(".bubble")).to_have_count(100)
    expect(page.get_by_role("link", name="Earlier messages")).to_be_focused()


def test_a_refused_message_is_taken_back_to_the_field_with_its_files_and_mended(talk, page, freelancer):
    page.locator("[type=file]").set_input_files([{"name": "plan.txt", "mimeType": "text/plain", "buffer": b"one"}])
    expect(page.locator(".chat__file progress")).to_have_count(0)
    write(page, "turned \u202e round")
    page.get_by_label("Your message").fill("A second thought")
    page.locator(".bubble--failed").get_by_role("button", name="Change it").click()
    expect(page.get_by_label("Your message")).to_have_value("turned \u202e round\nA second thought")
    expect(page.locator(".bubble--failed")).to_have_count(0)
    write(page, "Mended")
    expect(page.locator(".bubble--mine [data-state]")).to_have_text("Sent")
    assert [(message.content, message.attachments.get().name) for message in Message.objects.filter(receiver=freelancer)] == [
        ("Mended", "plan.txt")
    ]


def test_a_message_is_told_when_it_is_sent_and_history_never(talk, page):
    assert page.locator("#live").inner_text() == ""
    write(page, "Here you are")
    expect(page.locator("#live")).to_have_text("Sent")


def test_a_deleted_message_of_ones_own_is_read_by_nobody(page_for, buyer, freelancer):
    gone = say(buyer, freelancer, "Gone")
    say(freelancer, buyer, "Read it")
    page = page_for(buyer)
    open_talk(page, freelancer)
    expect(page.locator(".bubble--mine [data-state]")).to_have_text("Read")
    services.change_message(actor=buyer, message_id=gone.pk, content=None)
    expect(page.get_by_text("This message was deleted.").first).to_be_visible()
    for _look in range(2):
        expect(page.locator(".bubble--mine [data-state]")).to_have_count(0)
        page.reload()


def test_catching_up_leaves_what_has_not_changed_alone(page_for, buyer, freelancer, server):
    say(buyer, freelancer, "Mine")
    page = page_for(buyer)
    open_talk(page, freelancer)
    page.get_by_role("link", name="Edit this message").focus()
    with server.away():
        expect(page.locator("[data-chat-status]")).to_be_visible()
        say(freelancer, buyer, "Yours")
    page.evaluate(ONLINE)
    expect(page.locator(".bubble")).to_have_count(2)
    expect(page.get_by_role("link", name="Edit this message")).to_be_focused()


def test_a_message_says_which_order_it_is_about_before_it_is_sent(page_for, buyer, freelancer):
    order = order_in(Status.IN_PROGRESS, client=buyer, freelancer=freelancer)
    page = page_for(buyer, javascript=False)
    page.goto(order.get_absolute_url())
    follow(page.get_by_role("link", name="Write to José about this order"))
    expect(page.get_by_role("link", name="this order")).to_have_attribute("href", order.get_absolute_url())
    page.goto(f"/messages/with/{freelancer.handle}/?write=on")
    expect(page.get_by_role("link", name="this order")).to_have_count(0)


def test_an_order_is_named_by_the_first_of_the_messages_about_it(page_for, buyer, freelancer):
    order = order_in(Status.IN_PROGRESS, client=buyer, freelancer=freelancer)
    for about in (order.pk, order.pk, None, order.pk):
        say(freelancer, buyer, order_id=about)
    page = page_for(buyer)
    open_talk(page, freelancer)
    named = page.locator(".bubble__order:visible")
    expect(named).to_have_count(2)
    say(freelancer, buyer, order_id=order.pk)
    expect(page.locator(".bubble")).to_have_count(5)
    expect(named).to_have_count(2)
    say(freelancer, buyer)
    say(freelancer, buyer, order_id=order.pk)
    expect(named).to_have_count(3)


def test_without_script_the_first_message_needs_no_detour(page_for, buyer, freelancer):
    page = page_for(buyer, javascript=False)
    page.goto(f"/messages/with/{freelancer.handle}/")
    expect(page.locator("noscript p")).to_have_count(0)
    write(page, "Hello")
    expect(page.locator(".bubble__words")).to_have_text("Hello")
    expect(page.locator("noscript p")).to_contain_text("This page reloads itself every 15 seconds.")


def test_without_script_one_searches_mutes_archives_reports_and_blocks(page_for, buyer, freelancer):
    say(freelancer, buyer, "Pay me elsewhere")
    page = page_for(buyer, width=390, javascript=False)
    page.goto("/messages/")
    expect(page.get_by_role("searchbox")).to_be_hidden()  # the page reloads itself, and would take away what is typed
    follow(page.get_by_role("link", name="Search your messages"))
    page.get_by_role("searchbox").fill("elsewhere")
    follow(page.get_by_role("button", name="Search"))
    follow(page.get_by_role("link", name="José"))
    follow(page.get_by_role("link", name="Report this message"))
    page.get_by_label("Wants to be paid outside this site").check()
    follow(page.get_by_role("button", name="Report it"))
    expect(page.get_by_text("Thank you. A moderator looks at it")).to_be_visible()
    for press, answer in (
        ("Mute", "Muted"),
        ("Tell me of new messages again", "José"),
        ("Block José", "You have blocked José"),
        ("Unblock José", "Block José"),
        ("Archive", "The conversation is put away"),
    ):
        page.locator("summary", has_text="Options of this conversation").click()
        follow(page.get_by_role("button", name=press, exact=True))
        expect(page.locator("main")).to_contain_text(answer)


def test_who_comes_back_to_the_tab_begins_at_the_first_unread(talk, page, buyer, freelancer):
    page.evaluate("document.hasFocus = () => false")  # as in a tab that is not in front
    for n in range(1, 13):
        say(freelancer, buyer, f"While away {n} " + "long " * 60)
    expect(page.locator(".bubble")).to_have_count(24)
    page.evaluate("delete document.hasFocus; dispatchEvent(new Event('focus'))")
    expect(page.get_by_text("New messages", exact=True)).to_be_in_viewport()
    assert page.locator(NEW_BEFORE).inner_text().startswith("While away 1 ")
    assert find_side(buyer, freelancer.pk).unread == 12


def test_a_tab_too_many_is_told_so_and_not_that_it_is_offline(talk, page, monkeypatch):
    monkeypatch.setattr(presence, "MOST_SOCKETS", 1)
    one_more = page.context.new_page()
    one_more.goto(page.url)
    expect(one_more.locator("[data-chat-status]")).to_contain_text("Close one of them")
