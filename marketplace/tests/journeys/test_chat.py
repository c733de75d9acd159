"""Two people write to each other in two browsers, over sockets, through every kind of break."""

import re
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from accounts.models import User
from accounts.tests.factories import UserFactory
from gigs.tests.factories import GigFactory
from messaging import presence, services
from messaging.models import Message
from messaging.selectors import find_side
from messaging.tests.test_conversations import say
from messaging.tests.test_off_platform import SAMPLES
from orders.services.lifecycle import start_work
from orders.states import Status
from orders.tests.factories import deliver, order_in, picture

from .asgi_server import AsgiServer
from .conftest import follow, wait_until
from .test_every_page import LONG_NAME, faults_of

pytestmark = pytest.mark.browser
LONG_WORD = "Donaudampfschifffahrtselektrizitätenhauptbetriebswerkbauunterbeamtengesellschaft"


@pytest.fixture
def pair(page_for, buyer, freelancer) -> tuple[Page, Page]:
    """The client's and the freelancer's window, each on their conversation, which has begun and is read."""
    say(buyer, freelancer, "Do you draw owls?")
    client, other = page_for(buyer), page_for(freelancer, width=390)
    for page, person in ((client, freelancer), (other, buyer)):
        page.goto(f"/messages/with/{person.handle}/")
        expect(page.locator("[data-chat-presence]")).to_be_visible()
    expect(client.get_by_text("Read", exact=True)).to_be_visible()
    return client, other


def write(page: Page, words: str) -> None:
    page.get_by_label("Your message").fill(words)
    page.get_by_role("button", name="Send", exact=True).click()


def wait_for_sockets(page: Page, person: User, count: int) -> None:
    """Until the server holds so many sockets of this person: what happens from then on is told to them."""
    place = f"place:{person.pk.hex}:"
    wait_until(page, lambda: sum(held.startswith(place) for held in presence.held.copy()) == count)


def bubbles(page: Page) -> list[str]:
    return page.locator(".bubble__words").all_inner_texts()


def test_a_message_appears_on_the_other_side_is_read_and_answered(pair):
    client, other = pair
    expect(other.locator("[data-chat-presence]")).to_have_text("Online")
    other.get_by_label("Your message").press_sequentially("Ye")
    expect(client.locator("[data-chat-typing]")).to_have_text("José is writing …")
    write(other, "Yes, and hawks: https://example.com/hawk.")
    answer = client.locator(".bubble--theirs").last
    expect(answer.locator("a[rel~=noopener]")).to_have_attribute("href", "https://example.com/hawk")
    expect(client.locator("[data-chat-typing]")).to_be_hidden()
    expect(other.locator(".bubble--mine [data-state]").last).to_have_text("Read")
    expect(client.locator("#live")).to_contain_text("New message from José: Yes, and hawks")
    expect(client.locator("#unread .tool").first).to_have_text("Messages")  # nothing is unread: it was looked at


def test_a_bubble_made_by_script_is_the_one_the_server_makes(pair):
    client, other = pair
    write(client, "Line one\nhttps://example.com/?a=1&b=2), “https://example.org/x” <b>bold</b>\n")
    write(other, "مرحبا")
    expect(client.locator(".bubble")).to_have_count(3)
    expect(client.locator("[data-state]").last).to_have_text("Read")

    def html(page: Page) -> list[str]:
        items = page.locator("[data-chat-list] > li:not(.chat__new)").evaluate_all("items => items.map(item => item.outerHTML)")
        items = [re.sub(r' datetime="[^"]*"| class=""', "", re.sub(r"\s+", " ", item)) for item in items]
        return [re.sub(r"> | <", lambda found: found[0].strip(), item) for item in items]

    by_script = html(client)
    client.reload()
    expect(client.locator("[data-chat-presence]")).to_be_visible()
    assert html(client) == by_script


def test_what_is_written_offline_waits_survives_a_reload_and_is_sent_once(pair, freelancer, watch, live_server: AsgiServer):
    watch.expect("WebSocket connection to")
    watch.expect("ERR_")
    watch.expect("htmx:")  # the badges asked for just then
    client, other = pair
    with live_server.away():
        expect(client.locator("[data-chat-status]")).to_contain_text("You are offline")
        for words in ("One", "Two", "Three"):
            write(client, words)
        expect(client.locator(".bubble--waiting")).to_have_count(3)
        client.get_by_label("Your message").fill("A draft")
        assert Message.objects.count() == 1
    client.reload()
    expect(client.locator(".bubble--waiting")).to_have_count(0)
    expect(client.locator("[data-chat-status]")).to_be_hidden()
    expect(other.locator(".bubble__words")).to_have_text(["Do you draw owls?", "One", "Two", "Three"])
    assert bubbles(client) == bubbles(other)
    assert [message.content for message in Message.objects.order_by("seq")][1:] == ["One", "Two", "Three"]
    assert client.get_by_label("Your message").input_value() == "A draft"


def test_after_a_restart_both_sides_find_each_other_and_what_they_missed(pair, buyer, freelancer, watch, live_server: AsgiServer):
    watch.expect("WebSocket connection to")
    watch.expect("ERR_")
    watch.expect("htmx:")  # the badges asked for just then
    client, other = pair
    with live_server.away():
        expect(client.locator("[data-chat-status]")).to_be_visible()
        for n in range(3):
            say(freelancer, buyer, f"Meanwhile {n}")
    expect(client.locator(".bubble__words")).to_have_text(["Do you draw owls?", *(f"Meanwhile {n}" for n in range(3))])
    write(client, "And on it goes")
    expect(other.locator(".bubble__words").last).to_have_text("And on it goes")
    expect(client.locator("[data-state]").last).to_have_text("Read")


def test_a_refused_message_stays_and_can_be_sent_again_or_thrown_away(pair, buyer, freelancer):
    client, _other = pair
    write(client, "turned \u202e round")
    failed = client.locator(".bubble--failed")
    expect(failed).to_contain_text("Not sent: Remove the invisible characters from this text.")
    client.reload()
    failed.get_by_role("button", name="Send again").click()
    expect(failed).to_contain_text("Not sent")
    failed.get_by_role("button", name="Throw away").click()
    expect(failed).to_have_count(0)
    client.reload()
    expect(client.locator(".bubble")).to_have_count(1)


def test_files_are_chosen_pasted_and_dropped_and_arrive(pair, freelancer, tmp_path: Path):
    client, other = pair
    owl = tmp_path / "owl.png"
    owl.write_bytes(picture("teal", size=(800, 600)).read())
    client.locator("[type=file]").set_input_files([owl])
    client.evaluate("""() => {
        const files = new DataTransfer();
        files.items.add(new File(["one"], "plan.txt", {type: "text/plain"}));
        document.querySelector("[data-chat]").dispatchEvent(new DragEvent("drop", {dataTransfer: files, bubbles: true}));
        const pasted = new DataTransfer();
        pasted.items.add(new File(["two"], "list.txt", {type: "text/plain"}));
        document.querySelector("textarea").dispatchEvent(new ClipboardEvent("paste", {clipboardData: pasted, bubbles: true}));
    }""")
    expect(client.locator(".chat__file")).to_have_count(3)
    client.get_by_role("button", name="Remove list.txt").click()
    expect(client.locator(".chat__file progress")).to_have_count(0)
    client.get_by_role("button", name="Send", exact=True).click()
    for page in (client, other):
        expect(page.locator(".bubble").last.locator("img")).to_have_attribute("alt", "Picture: owl.png")
        expect(page.locator(".bubble").last).to_contain_text("plan.txt")
        assert page.locator(".bubble img").evaluate("async image => { await image.decode(); return image.naturalWidth }") > 0
    with other.expect_download() as download:
        other.get_by_text("plan.txt").click()
    assert Path(download.value.path()).read_text() == "one"


def test_a_text_that_leads_away_is_warned_about_and_sent_all_the_same(pair):
    client, other = pair
    client.get_by_label("Your message").fill("Write to amara@example.com")
    expect(client.locator("[data-chat-warning]")).to_contain_text("This looks like: an e-mail address")
    client.get_by_role("button", name="Send", exact=True).click()
    expect(other.locator(".bubble__words").last).to_have_text("Write to amara@example.com")
    expect(client.locator("[data-chat-warning]")).to_be_hidden()


def test_the_script_finds_in_a_text_what_the_server_finds(pair):
    client, _other = pair
    found = client.evaluate(
        """texts => {
            const hints = JSON.parse(document.querySelector("[data-chat-form]").dataset.hints);
            return texts.map(text => hints.filter(hint => new RegExp(hint.pattern, "iu").test(text)).length);
        }""",
        [text for text, _names in SAMPLES],
    )
    assert found == [len(names) for _text, names in SAMPLES]


def test_a_changed_and_a_deleted_message_change_on_the_other_side(pair):
    client, other = pair
    follow(client.get_by_role("link", name="Edit this message"))
    client.get_by_label("Your message").fill("Do you draw hawks?")
    follow(client.get_by_role("button", name="Save"))
    expect(other.locator(".bubble__words")).to_have_text("Do you draw hawks?")
    expect(other.get_by_text("edited")).to_be_visible()
    follow(client.get_by_role("link", name="Edit this message"))
    client.get_by_role("button", name="Delete this message").click()
    expect(other.get_by_text("This message was deleted.")).to_be_visible()


def test_news_elsewhere_on_the_site_show_in_the_header_the_title_and_the_inbox(pair, page_for, buyer):
    client, other = pair
    client.close()
    wait_for_sockets(other, buyer, 0)
    page = page_for(buyer)
    page.goto("/messages/?tab=unread")
    expect(page.get_by_text("Everything is read")).to_be_visible()
    wait_for_sockets(page, buyer, 1)
    write(other, "Are you there?")
    expect(page.locator("#inbox")).to_contain_text("Are you there?")
    expect(page.locator("#unread")).to_contain_text("1 unread conversation")
    expect(page).to_have_title(re.compile(r"^\(1\) Messages"))
    expect(other.locator("[data-state]").last).to_have_text("Delivered")


def test_earlier_messages_come_in_above_and_days_are_told_once(page_for, buyer, freelancer):
    for n in range(1, 29):
        say(buyer, freelancer, f"{n} " + "long " * 60)
        say(freelancer, buyer, f"{n} " + LONG_WORD * 3)
    page = page_for(buyer)
    page.goto(f"/messages/with/{freelancer.handle}/")
    expect(page.locator(".bubble")).to_have_count(50)
    page.get_by_role("link", name="Earlier messages").click()
    expect(page.locator(".bubble")).to_have_count(56)
    expect(page.locator(".chat__day")).to_have_count(1)
    assert page.locator(".bubble").evaluate_all("all => all.map(one => Number(one.dataset.seq))") == [*range(1, 57)]


def test_many_unread_messages_begin_at_the_first_and_are_read_at_the_last(page_for, buyer, freelancer):
    for n in range(1, 26):
        say(freelancer, buyer, f"{n} " + "long " * 60)
    page = page_for(buyer)
    page.goto(f"/messages/with/{freelancer.handle}/")
    expect(page.get_by_text("New messages", exact=True)).to_be_in_viewport()
    expect(page.locator("[data-chat-presence]")).to_be_visible()
    assert find_side(buyer, freelancer.pk).unread == 25
    page.locator(".bubble").last.scroll_into_view_if_needed()
    page.locator("[data-chat-scroll]").focus()
    page.keyboard.press("End")
    expect(page.locator("#unread-messages")).to_have_text("Messages")
    assert find_side(buyer, freelancer.pk).unread == 0


def test_without_script_people_write_read_and_send_files(page_for, buyer, freelancer, watch, tmp_path: Path):
    watch.expect("status of 422")
    plan = tmp_path / "plan.txt"
    plan.write_text("one")
    client, other = page_for(buyer, javascript=False), page_for(freelancer, javascript=False, width=390)
    client.goto(f"/messages/with/{freelancer.handle}/?write=on")
    write(client, "Write to amara@example.com")
    expect(client.get_by_text("This looks like: an e-mail address")).to_be_visible()
    client.locator("[type=file]").set_input_files(plan)
    client.get_by_role("button", name="Send", exact=True).click()
    expect(client.locator(".bubble__words")).to_have_text("Write to amara@example.com")
    expect(client.get_by_label("Your message")).to_be_hidden()  # the page that is read reloads itself
    other.goto("/messages/")
    follow(other.get_by_role("link", name=re.compile("Amara Okafor")).last)
    expect(other.get_by_text("plan.txt")).to_be_visible()
    follow(other.get_by_role("button", name="Mark as read"))
    assert find_side(freelancer, buyer.pk).unread == 0
    follow(other.get_by_role("link", name=re.compile("^Write a message")))
    write(other, "No need: here is fine")
    expect(other.locator(".bubble__words").last).to_have_text("No need: here is fine")
    client.reload()
    expect(client.locator(".bubble__words").last).to_have_text("No need: here is fine")


def test_without_a_socket_the_pages_own_form_takes_the_message(page_for, buyer, freelancer, watch):
    watch.expect("WebSocket connection to")
    page = page_for(buyer, fresh=True)
    page.add_init_script("""window.WebSocket = class extends EventTarget {
        static OPEN = 1;
        close() { this.dispatchEvent(new CloseEvent("close", {code: 1006})); }
    }""")
    page.goto(f"/messages/with/{freelancer.handle}/")
    write(page, "By the form")
    expect(page.locator("[data-state]").last).to_have_text("Sent")
    assert Message.objects.get().content == "By the form"


def test_an_order_changes_on_the_page_of_the_other_and_what_is_said_there_names_it(page_for, buyer, freelancer):
    order = order_in(Status.PAYMENT_CONFIRMED, client=buyer, freelancer=freelancer)
    say(freelancer, buyer, "I begin on Monday.")
    client, other = page_for(buyer), page_for(freelancer, width=390)
    for page in (client, other):
        page.goto(order.get_absolute_url())
    for page in (client, other):
        expect(page.locator("[data-chat-presence]")).to_have_text("Online")
    expect(client.locator("form[action$='/propose-extension/']")).to_have_count(0)
    write(client, "A first idea")
    expect(other.locator(".bubble__order")).to_have_text(f"Order {order.payment_reference}")
    other.locator("form[action$='/start-work/'] button[type=submit]").click()
    expect(client.locator("#order-main form[action$='/propose-extension/']")).to_have_count(1)
    expect(client.locator("#order-head")).to_contain_text("In progress")
    expect(client.locator(".bubble__words").last).to_have_text("A first idea")  # the conversation stood where it was


def test_what_is_being_filled_in_on_an_order_is_not_swapped_away(page_for, buyer, freelancer):
    order = order_in(Status.PAYMENT_CONFIRMED, client=buyer, freelancer=freelancer)
    page = page_for(buyer)
    page.goto(order.get_absolute_url())
    page.evaluate("document.querySelector('#order-main').append(document.createElement('textarea'))")
    page.locator("#order-main > textarea").fill("Half a w")
    wait_for_sockets(page, buyer, 1)
    start_work(actor=freelancer, order_id=order.pk, seen=order.version)
    expect(page.get_by_text("This order has changed", exact=True).first).to_be_visible()
    assert page.locator("#order-main > textarea").input_value() == "Half a w"
    page.get_by_role("link", name="Show the order as it is now").click()
    expect(page.locator("#order-head")).to_contain_text("In progress")


def test_what_happens_before_the_line_is_there_or_while_it_is_broken_shows_when_it_is(
    page_for, buyer, freelancer, watch, live_server: AsgiServer
):
    for part in ("WebSocket connection to", "ERR_", "htmx:"):
        watch.expect(part)
    order = order_in(Status.PAYMENT_CONFIRMED, client=buyer, freelancer=freelancer)
    page = page_for(buyer, fresh=True)
    is_there = False
    page.route_web_socket("**/ws/**", lambda line: line.connect_to_server() if is_there else line.close())
    page.goto(order.get_absolute_url())
    say(freelancer, buyer, "I begin today.")
    order = start_work(actor=freelancer, order_id=order.pk, seen=order.version)
    wait_until(page, lambda: page.evaluate("performance.now() > 3000"))
    expect(page.locator("#order-head")).not_to_contain_text("In progress")
    is_there = True
    page.evaluate("dispatchEvent(new Event('online'))")
    expect(page.locator("#order-head")).to_contain_text("In progress")
    expect(page.locator("#unread")).to_contain_text("1 unread conversation")
    folded = page.locator("#order-main details").first
    folded.locator("summary").first.click()
    for change in (lambda: None, lambda: deliver(order)):
        with live_server.away():
            expect(page.locator("[data-chat-status]")).to_be_visible()
            expect(folded).to_have_attribute("open", "")  # a break after which nothing had changed has left it alone
            change()
        with page.expect_response(f"**{order.get_absolute_url()}"):
            page.evaluate("dispatchEvent(new Event('online'))")
        expect(page.locator("[data-chat-status]")).to_be_hidden()
    expect(page.locator("#order-head")).not_to_contain_text("In progress")


def test_whose_session_ends_is_told_and_what_waits_is_kept(pair, buyer, watch):
    watch.expect("WebSocket connection to")
    client, _other = pair
    second = client.context.new_page()
    second.goto("/accounts/logout/")
    second.locator("main button[type=submit]").click()
    expect(client.locator("[data-chat-status]")).to_contain_text("You are signed out here")
    write(client, "Later, then")
    expect(client.locator(".bubble--waiting")).to_contain_text("Later, then")
    kept = client.evaluate("Object.keys(localStorage).filter(key => key.startsWith('chat.out.')).length")
    assert (kept, Message.objects.count()) == (1, 1)


def test_the_pages_of_conversations_are_accessible_and_fit(page_for, axe, buyer, freelancer, stranger):
    """Nothing yet, and crowded: long words and names, text from the right, every kind of message and file."""
    new = page_for(UserFactory(full_name="L"))
    empty = [
        *(f"/messages/?tab={tab}" for tab in ("", "unread", "orders", "archived")),
        "/messages/?q=owl",
        "/messages/with/jose/",
    ]
    faults = list(faults_of(new, empty, axe))
    freelancer.full_name = LONG_NAME
    freelancer.save()
    order = order_in(Status.IN_PROGRESS, client=buyer, freelancer=freelancer)
    for words in (LONG_WORD * 5, "مرحبا، هل يمكنك رسم بومة؟", "x" * 5000, f"https://example.com/{'a' * 300}", "one\ntwo"):
        say(freelancer, buyer, words, order_id=order.pk)
    pictured = [services.hand_in(actor=buyer, upload=upload).pk for upload in (picture("teal", size=(900, 300)), picture("red"))]
    say(buyer, freelancer, "Two pictures", file_ids=pictured)
    gone = say(freelancer, buyer, "Gone")
    services.change_message(actor=freelancer, message_id=gone.pk, content=None)
    mine = say(buyer, freelancer, "Mine")
    last = say(freelancer, buyer, "The last")
    for _n in range(35):
        say(UserFactory(full_name=LONG_NAME), buyer, LONG_WORD * 2)
    services.block(actor=buyer, user=stranger)
    gig = GigFactory(freelancer=freelancer)
    crowded = [
        *("/messages/", "/messages/?tab=unread", "/messages/?tab=orders", f"/messages/?q={LONG_WORD[:9]}"),
        *(f"/messages/with/{freelancer.handle}/", f"{mine.conversation.get_absolute_url()}?before=4", "/messages/with/li-wei/"),
        *(f"/messages/{mine.pk}/change/", f"/messages/{last.pk}/report/"),
        *(order.get_absolute_url(), gig.get_absolute_url(), freelancer.get_absolute_url()),
    ]
    faults += faults_of(page_for(buyer), crowded, axe)
    assert not faults, "\n".join(faults)
