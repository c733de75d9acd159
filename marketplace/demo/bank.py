"""The demo's bank statement: a CAMT.053 file of the site's account in euros, imported and partly worked through."""

import io
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from xml.sax.saxutils import escape

from django.utils import timezone

from accounts.models import User
from marketplace.demo.tables import load
from marketplace.demo.world import World
from orders.models import BankStatement, StatementLine
from orders.services import statement_green, statement_lines, statements

Light = StatementLine.Light


@dataclass(frozen=True)
class Entry:
    """One booking. A negative amount went out; `fault` replaces the amount by something that cannot be read."""

    bank_id: str
    booked_on: date
    amount: Decimal
    name: str
    text: str
    code: str = "ESCT"
    fault: str = ""


def import_and_decide(world: World) -> None:
    """What the moderator on duty does with the statement of the morning; some of it is left for whoever looks."""
    moderator = world.moderators()[0]
    content = _file(world.methods["eur"].account_number, _entries(world))
    statement = statements.import_statement(
        actor=moderator,
        method=world.methods["eur"],
        file=io.BytesIO(content),
        name=f"statement-{timezone.now():%Y-%m-%d}.xml",
        size=len(content),
    )
    _decide(moderator, statement)


def _entries(world: World) -> list[Entry]:
    rows, today = load("bank"), timezone.now().date()
    entries: list[Entry] = []
    for row in rows["order"]:
        for order, payer in world.banked.get(row["banked"], []):
            booked_on = min(today, (order.created_at + timedelta(hours=row.get("after", 2))).date())
            amount = order.expected_amount * Decimal(row.get("share", "1")) + Decimal(row.get("more", 0))
            text = row["text"].format(reference=order.payment_reference, title=order.gig_title[:20])
            entries.append(Entry(_bank_id(len(entries)), booked_on, amount, row.get("name", payer), text))
    for row in rows["other"]:
        details = {"code": row.get("code", "ESCT"), "fault": row.get("fault", "")}
        booked_on = today - timedelta(days=row["days"])
        entries.append(Entry(_bank_id(len(entries)), booked_on, Decimal(row["amount"]), row["name"], row["text"], **details))
    return sorted(entries, key=lambda entry: entry.booked_on)


def _bank_id(number: int) -> str:
    return f"DEMO{4711 + 13 * number:010}"


def _file(iban: str, entries: list[Entry]) -> bytes:
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n<Document xmlns="urn:iso:std:iso:20022:tech:xsd:camt.053.001.08"><BkToCstmrStmt>'
        f"<GrpHdr><MsgId>1</MsgId></GrpHdr><Stmt><Id>1</Id><Acct><Id><IBAN>{iban}</IBAN></Id><Ccy>EUR</Ccy></Acct>\n"
        f"{''.join(map(_booking, entries))}</Stmt></BkToCstmrStmt></Document>\n"
    ).encode()


def _booking(entry: Entry) -> str:
    direction, role = ("DBIT", "Cdtr") if entry.amount < 0 else ("CRDT", "Dbtr")
    return (
        f'<Ntry><Amt Ccy="EUR">{entry.fault or f"{abs(entry.amount):.2f}"}</Amt><CdtDbtInd>{direction}</CdtDbtInd>'
        f"<Sts><Cd>BOOK</Cd></Sts><BookgDt><Dt>{entry.booked_on}</Dt></BookgDt><AcctSvcrRef>{entry.bank_id}</AcctSvcrRef>"
        f"<BkTxCd><Domn><Cd>PMNT</Cd><Fmly><Cd>RCDT</Cd><SubFmlyCd>{entry.code}</SubFmlyCd></Fmly></Domn></BkTxCd>"
        f"<NtryDtls><TxDtls><RltdPties><{role}><Pty><Nm>{escape(entry.name)}</Nm></Pty></{role}></RltdPties>"
        f"<RmtInf><Ustrd>{escape(entry.text)}</Ustrd></RmtInf></TxDtls></NtryDtls></Ntry>\n"
    )


def _decide(moderator: User, statement: BankStatement) -> None:
    chosen = {row["text"]: row for row in load("bank")["other"] if "then" in row}
    sure = [line for line in statement.lines.filter(light=Light.GREEN) if line.text.startswith("Order ")]
    statement_green.confirm_green(actor=moderator, line_ids=[line.pk for line in sure])
    for line in statement.lines.filter(light=Light.AMBER, text__startswith="Order "):
        statement_lines.confirm_line(actor=moderator, line_id=line.pk)
    for line in statement.lines.filter(state=StatementLine.State.OPEN):
        row = chosen.get(line.text.strip())
        if row:
            _settle(moderator, line, row)
    for unreadable in statement.unreadable.all()[:1]:
        note = "A leaflet of the bank between the entries. No money."
        statement_lines.resolve_unreadable(actor=moderator, row_id=unreadable.pk, note=note)


def _settle(moderator: User, line: StatementLine, row: dict[str, str]) -> None:
    if row["then"] == "ignore":
        statement_lines.ignore_line(actor=moderator, line_id=line.pk, note=row["note"])
        return
    statement_lines.suspend_line(actor=moderator, line_id=line.pk, note=row["note"])
    if row["then"] == "return":
        statement_lines.return_line(
            actor=moderator, line_id=line.pk, kind="bank", holder=row["name"], account=row["account"], note=row["note"]
        )
