"""A column mapping guessed from the headings banks usually write (in five languages and a few more). Sure ones alone."""

from orders.statements.encodings import decode_head
from orders.statements.mapping import DELIMITERS, IN_WORDS, OUT_WORDS, CsvMapping, folded
from orders.statements.rows import heading, rows, sniff_delimiter

_MAX_PREAMBLE = 40

# For each field its headings, the best first, as `heading` writes them.
_HEADINGS = {
    "date": """
        buchungstag, buchungsdatum, buchung, booking date, date booked, posting date, posted date, post date, date de
        comptabilisation, date comptable, date operation, date d operation, fecha contable, fecha operacion, fecha de
        operacion, data lancamento, data do lancamento, data movimento, data mov, data operacao, data da operacao,
        completion time, transaction date, completed date, date completed utc, boekdatum, rentedatum, date, datum, fecha, data,
        valutadatum, wertstellung, value date, date valeur, date de valeur, fecha valor, data valor
    """,
    "amount": """
        betrag, umsatz, amount, transaction amount, montant, montant de l operation, importe, monto, importancia, valor,
        montante, importo, bedrag, quantia, kwota, belopp, belop
    """,
    "credit": """
        haben, gutschrift, credit, credit amount, credits, paid in, money in, deposit, deposits, deposit amount, credit
        montant, abono, abonos, haber, ingreso, ingresos, credito, creditos, entrada, entradas
    """,
    "debit": """
        soll, belastung, lastschrift, debit, debit amount, debits, paid out, money out, withdrawal, withdrawals,
        withdrawal amount, cargo, cargos, debe, gasto, gastos, debito, debitos, saida, saidas, withdrawn
    """,
    "direction": """
        debit credit, credit debit, dc, cd, cr dr, dr cr, d c, c d, credit debit indicator, soll haben, s h, debit or
        credit, credit or debit, af bij, debe haber, debito credito
    """,
    "payer_name": """
        auftraggeber, auftraggeber beguenstigter, auftraggeber empfanger, auftraggeber empfaenger, zahlungspflichtige,
        beguenstigter zahlungspflichtiger, begunstigter zahlungspflichtiger, name zahlungsbeteiligter,
        zahlungspflichtiger, payer, payer name, payment from, counterparty, counterparty name, counter party, partner
        name, debtor name, sender, sender name, remitter, emetteur, donneur d ordre, nom donneur d ordre, contrepartie,
        nom, ordenante, nombre ordenante, remitente, ordenante beneficiario, nome, ordenante nome, nome do ordenante,
        remetente, tegenpartij, naam, naam tegenpartij, name
    """,
    "payer_account": """
        kontonummer iban, iban zahlungsbeteiligter, counterparty iban, counterparty account, partner iban, payer
        account, sender account, debtor account, iban auftraggeber, compte contrepartie, cuenta ordenante, conta
        ordenante, tegenrekening, tegenrekening iban bban, iban
    """,
    "bank_id": """
        transaktions id, transaktionsid, umsatz id, transaction id, transactionid, receipt no, unique id, fitid,
        id de transaction, id transaction, id transaccion, id de transaccion, id transacao, id da transacao, entry reference
    """,
    "currency": """
        wahrung, waehrung, currency, devise, moneda, divisa, moeda, currency code
    """,
    "status": """
        status, transaction status, state, etat, statut, estado, situacao
    """,
    "text": """
        text, texte, texto,
        beschreibung, buchungstext, communication, concepto, customer reference, descricao, descripcion, description,
        descritivo, details, details de l operation, detalle, historico, identificador, kundenreferenz, kundenreferenz
        end to end, libelle, libelle operation, mas datos, mededelingen, memo, mensagem, message, mitteilung, motif,
        narration, narrative, notes, observaciones, observacoes, omschrijving, particulars, payment reference,
        reference, reference client, referencia, remittance information, transaction description, transaction details,
        verwendungszweck
    """,
}
# Headings of columns that hold the direction, or something else.
_PERHAPS_DIRECTION = {"type", "transaction type", "typ", "tipo", "art", "umsatzart", "sens"}
_NAMES = {field: [" ".join(name.split()) for name in names.split(",")] for field, names in _HEADINGS.items()}


def guess_mapping(head: bytes) -> CsvMapping | None:
    """The mapping of a table that starts with `head`, or None where its headings are not clear enough to rely on."""
    lines = decode_head(head).replace("\r\n", "\n").replace("\r", "\n").split("\n")[:_MAX_PREAMBLE]
    likely = sniff_delimiter(lines)
    for delimiter in dict.fromkeys([likely, *DELIMITERS]):
        table = list(rows(lines, delimiter))
        for place, row in enumerate(table):
            cells = [below.cells for below in table[place + 1 :] if below.cells]
            mapping = _from_headings(row.cells or (), cells, delimiter, row.number)
            if mapping:
                return mapping
    return None


def _from_headings(headings: tuple[str, ...], body: list[tuple[str, ...]], delimiter: str, number: int) -> CsvMapping | None:
    names = [heading(cell) for cell in headings]
    places = {field: place for field in _HEADINGS if field != "text" and (place := _find(field, names)) is not None}
    if "amount" in places:
        places = {field: place for field, place in places.items() if field not in ("credit", "debit")}
        perhaps = next((place for place, name in enumerate(names) if name in _PERHAPS_DIRECTION), None)
        if "direction" not in places and perhaps is not None and _are_directions(body, perhaps):
            places["direction"] = perhaps
    else:
        places.pop("direction", None)
    if "date" not in places or not ("amount" in places or {"credit", "debit"} <= set(places)):
        return None
    columns = {field: headings[place] if names.count(names[place]) == 1 else str(place + 1) for field, place in places.items()}
    texts = tuple(cell for cell, name in zip(headings, names, strict=True) if name in _NAMES["text"] and names.count(name) == 1)
    return CsvMapping(delimiter=delimiter, header_row=number, text=texts, **columns)  # type: ignore[arg-type]


def _find(field: str, names: list[str]) -> int | None:
    return next((names.index(name) for name in _NAMES[field] if name in names), None)


def _are_directions(body: list[tuple[str, ...]], place: int) -> bool:
    words = {folded(cells[place]) for cells in body if len(cells) > place}
    return bool(words) and words <= IN_WORDS | OUT_WORDS
