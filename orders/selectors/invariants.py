"""The invariants of the money path, each as a query for the rows that break it, in the SQL that SQLite and PostgreSQL share.

Words in braces stand for expressions of `orders.selectors.reconciliation`: the columns that name an order, and amounts in whole
minor units of their currency, as the ledger counts them, references as proofs keep them. `since` and `receipt_due` are instants.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Check:
    """An invariant: its name, what it says, and the query for the rows that break it."""

    name: str
    rule: str
    sql: str


CHECKS = (
    Check(
        "transfer_sums_to_zero",
        "The entries of every transfer sum to zero, and there are at least two.",
        """
        SELECT t.id, t.key, COUNT(e.id) AS entries, COALESCE(SUM(e.amount), 0) AS total
        FROM orders_ledgertransfer t LEFT JOIN orders_ledgerentry e ON e.transfer_id = t.id
        WHERE t.created_at >= %(since)s
        GROUP BY t.id, t.key HAVING COUNT(e.id) < 2 OR SUM(e.amount) <> 0
        """,
    ),
    Check(
        "one_currency",
        "The accounts of a transfer are in its currency.",
        """
        SELECT t.id, t.key, t.currency, a.id AS account, a.currency AS account_currency
        FROM orders_ledgerentry e
        JOIN orders_ledgertransfer t ON t.id = e.transfer_id JOIN orders_ledgeraccount a ON a.id = e.account_id
        WHERE t.created_at >= %(since)s AND t.currency <> a.currency
        """,
    ),
    Check(
        "balance_kept",
        "The balance kept with an account is the sum of its entries.",
        """
        SELECT a.id, a.kind, a.currency, a.order_id, a.user_id, a.balance, COALESCE(e.total, 0) AS entries
        FROM orders_ledgeraccount a
        LEFT JOIN (SELECT account_id, SUM(amount) AS total FROM orders_ledgerentry GROUP BY account_id) e ON e.account_id = a.id
        WHERE a.balance IS NOT NULL AND a.balance <> COALESCE(e.total, 0)
        """,
    ),
    Check(
        "not_negative",
        "No account but the world outside is ever negative.",
        """
        SELECT a.id, a.kind, a.currency, a.order_id, a.user_id, SUM(e.amount) AS total
        FROM orders_ledgeraccount a JOIN orders_ledgerentry e ON e.account_id = a.id
        WHERE a.kind <> 'outside' GROUP BY a.id, a.kind, a.currency, a.order_id, a.user_id HAVING SUM(e.amount) < 0
        """,
    ),
    Check(
        "currency_sums_to_zero",
        "All accounts of a currency together hold nothing: what is inside came from outside.",
        """
        SELECT a.currency, SUM(e.amount) AS total FROM orders_ledgerentry e JOIN orders_ledgeraccount a ON a.id = e.account_id
        GROUP BY a.currency HAVING SUM(e.amount) <> 0
        """,
    ),
    Check(
        "escrow_moves",
        "An escrow is filled by deposits and reclaims of its own order and emptied by its release, refund or split.",
        """
        SELECT t.id, t.key, t.kind, t.order_id, a.order_id AS escrow_of, e.amount
        FROM orders_ledgerentry e
        JOIN orders_ledgeraccount a ON a.id = e.account_id JOIN orders_ledgertransfer t ON t.id = e.transfer_id
        WHERE t.created_at >= %(since)s AND a.kind = 'escrow' AND NOT (
            t.order_id IS NOT NULL AND t.order_id = a.order_id AND (
                t.kind IN ('deposit', 'assign', 'reclaim') AND e.amount > 0
                OR t.kind IN ('release', 'refund', 'split') AND e.amount < 0))
        """,
    ),
    Check(
        "escrow_agrees",
        "The escrow holds what the payment status says: the price, a part of it, or nothing. DIRECT orders have none.",
        """
        SELECT {order}, o.custody, o.currency, {expected} AS expected, a.balance AS escrow
        FROM orders_order o LEFT JOIN orders_ledgeraccount a ON a.order_id = o.id
        WHERE o.updated_at >= %(since)s AND CASE
            WHEN o.custody = 'DIRECT' THEN a.id IS NOT NULL
            WHEN o.payment_status IN ('FUNDS_HELD', 'DISPUTED') THEN COALESCE(a.balance, 0) <> {expected}
            WHEN o.payment_status = 'PARTIALLY_FUNDED'
                THEN COALESCE(a.balance, 0) <= 0 OR COALESCE(a.balance, 0) >= {expected}
            ELSE COALESCE(a.balance, 0) <> 0 END
        """,
    ),
    Check(
        "final_order_is_empty",
        "The escrow of an order that is over is empty, unless it is disputed.",
        """
        SELECT {order}, a.balance AS escrow FROM orders_order o JOIN orders_ledgeraccount a ON a.order_id = o.id
        WHERE o.status IN ('COMPLETED', 'CANCELLED', 'EXPIRED') AND o.payment_status <> 'DISPUTED' AND a.balance <> 0
        """,
    ),
    Check(
        "ended_once",
        "The money of an order is divided once, when its payment status says so, not counting what a dispute took back.",
        """
        SELECT {order}, COALESCE(t.ends, 0) AS divided, COALESCE(t.backs, 0) AS taken_back
        FROM orders_order o LEFT JOIN (
            SELECT order_id, SUM(CASE WHEN kind IN ('release', 'refund', 'split') THEN 1 ELSE 0 END) AS ends,
                SUM(CASE WHEN kind = 'reclaim' THEN 1 ELSE 0 END) AS backs
            FROM orders_ledgertransfer WHERE order_id IS NOT NULL GROUP BY order_id) t ON t.order_id = o.id
        WHERE o.updated_at >= %(since)s AND COALESCE(t.ends - t.backs, 0) <> CASE
            WHEN o.custody = 'PLATFORM' AND o.payment_status IN ('RELEASED', 'REFUNDED', 'SPLIT') THEN 1 ELSE 0 END
        """,
    ),
    Check(
        "funded_amount_agrees",
        "What an order says was paid is what deposits brought into its escrow.",
        """
        SELECT {order}, o.currency, {funded} AS funded, COALESCE(d.total, 0) AS deposits
        FROM orders_order o LEFT JOIN (
            SELECT a.order_id, SUM(e.amount) AS total
            FROM orders_ledgerentry e
            JOIN orders_ledgeraccount a ON a.id = e.account_id JOIN orders_ledgertransfer t ON t.id = e.transfer_id
            WHERE a.kind = 'escrow' AND t.kind IN ('deposit', 'assign') GROUP BY a.order_id) d ON d.order_id = o.id
        WHERE o.updated_at >= %(since)s AND o.custody = 'PLATFORM' AND {funded} <> COALESCE(d.total, 0)
        """,
    ),
    Check(
        "fee_is_right",
        "The fee is the order's percentage of the freelancer's part, rounded to the minor unit.",
        """
        SELECT t.id, t.key, t.order_id, o.escrow_fee_pct, m.fee, m.gross FROM orders_ledgertransfer t
        JOIN orders_order o ON o.id = t.order_id
        JOIN (SELECT e.transfer_id, SUM(e.amount) AS gross, SUM(CASE WHEN a.kind = 'fees' THEN e.amount ELSE 0 END) AS fee
            FROM orders_ledgerentry e JOIN orders_ledgeraccount a ON a.id = e.account_id
            WHERE a.kind IN ('balance', 'fees') GROUP BY e.transfer_id) m ON m.transfer_id = t.id
        WHERE t.created_at >= %(since)s AND t.kind IN ('release', 'split')
            AND ABS(m.fee * 10000 - m.gross * CAST(ROUND(o.escrow_fee_pct * 100) AS BIGINT)) > 5000
        """,
    ),
    Check(
        "deposit_is_proven",
        "Every deposit and surplus points at a verified proof of its order, every orphan at a statement line.",
        """
        SELECT t.id, t.key, t.kind, t.order_id, t.proof_id, p.state, t.statement_line_id
        FROM orders_ledgertransfer t LEFT JOIN orders_paymentproof p ON p.id = t.proof_id
        WHERE t.created_at >= %(since)s AND (
            t.kind = 'orphan' AND t.statement_line_id IS NULL
            OR t.kind IN ('deposit', 'assign', 'surplus')
                AND (p.id IS NULL OR p.state <> 'verified' OR t.order_id IS NULL OR p.order_id <> t.order_id))
        """,
    ),
    Check(
        "proof_is_booked",
        "Every verified proof of a PLATFORM order has one deposit; with its surplus it is the verified amount.",
        """
        SELECT p.id, p.order_id, {verified} AS verified,
            COALESCE(d.deposits, 0) AS deposits, COALESCE(d.total, 0) AS booked
        FROM orders_paymentproof p JOIN orders_order o ON o.id = p.order_id
        LEFT JOIN (
            SELECT t.proof_id, SUM(e.amount) AS total,
                COUNT(DISTINCT CASE WHEN t.kind IN ('deposit', 'assign') THEN t.id END) AS deposits
            FROM orders_ledgertransfer t JOIN orders_ledgerentry e ON e.transfer_id = t.id
            JOIN orders_ledgeraccount a ON a.id = e.account_id
            WHERE t.proof_id IS NOT NULL AND a.kind IN ('escrow', 'refundable') GROUP BY t.proof_id) d ON d.proof_id = p.id
        WHERE p.state = 'verified' AND o.custody = 'PLATFORM' AND o.updated_at >= %(since)s
            AND (COALESCE(d.deposits, 0) <> 1 OR COALESCE(d.total, 0) <> {verified})
        """,
    ),
    Check(
        "order_agrees_with_history",
        "Status and payment status are those of the order's last event.",
        """
        SELECT {order}, o.version, v.to_status AS event_status, v.payment_status AS event_payment_status
        FROM orders_order o LEFT JOIN orders_orderevent v ON v.order_id = o.id AND v.number = o.version
        WHERE o.updated_at >= %(since)s
            AND (v.id IS NULL OR v.to_status <> o.status OR v.payment_status <> o.payment_status)
        """,
    ),
    Check(
        "history_is_whole",
        "The events of an order are numbered from 1 to its version without gaps.",
        """
        SELECT {order}, o.version, COALESCE(v.events, 0) AS events, v.first, v.last
        FROM orders_order o LEFT JOIN (
            SELECT order_id, COUNT(*) AS events, MIN(number) AS first, MAX(number) AS last FROM orders_orderevent
            GROUP BY order_id) v ON v.order_id = o.id
        WHERE o.updated_at >= %(since)s
            AND (v.events IS NULL OR v.events <> o.version OR v.first <> 1 OR v.last <> o.version)
        """,
    ),
    Check(
        "dispute_is_open",
        "An order's money is disputed exactly while one of its disputes is open.",
        """
        SELECT {order}, COALESCE(d.open, 0) AS open_disputes FROM orders_order o LEFT JOIN (
            SELECT order_id, COUNT(*) AS open FROM orders_dispute WHERE closed_at IS NULL GROUP BY order_id) d
            ON d.order_id = o.id
        WHERE COALESCE(d.open, 0) <> CASE WHEN o.payment_status = 'DISPUTED' THEN 1 ELSE 0 END
        """,
    ),
    Check(
        "refunds_add_up",
        "The refund rows of an order are what the ledger set aside for its client.",
        """
        SELECT order_id, SUM(promised) AS promised, SUM(booked) AS booked FROM (
            SELECT d.order_id, {disbursed} AS promised, 0 AS booked FROM orders_disbursement d
            WHERE d.kind = 'refund' AND d.payer_id IS NULL AND d.state <> 'withdrawn'
            UNION ALL
            SELECT t.order_id, 0, e.amount FROM orders_ledgertransfer t JOIN orders_ledgerentry e ON e.transfer_id = t.id
            JOIN orders_ledgeraccount a ON a.id = e.account_id
            WHERE a.kind = 'refundable' AND t.kind IN ('refund', 'split', 'surplus', 'reclaim')) both_sides
        GROUP BY order_id HAVING SUM(promised) <> SUM(booked)
        """,
    ),
    Check(
        "direct_refund_is_owed",
        "A DIRECT order whose refund is due has a refund row of its freelancer, open; when it is refunded, confirmed.",
        """
        SELECT {order}, COALESCE(d.open, 0) AS open_refunds, COALESCE(d.confirmed, 0) AS confirmed_refunds
        FROM orders_order o LEFT JOIN (
            SELECT order_id, SUM(CASE WHEN state IN ('requested', 'sent', 'failed') THEN 1 ELSE 0 END) AS open,
                SUM(CASE WHEN state = 'confirmed' THEN 1 ELSE 0 END) AS confirmed
            FROM orders_disbursement WHERE kind = 'refund' AND payer_id IS NOT NULL AND reason <> 'surplus'
            GROUP BY order_id) d ON d.order_id = o.id
        WHERE o.custody = 'DIRECT' AND (
            COALESCE(d.open, 0) <> CASE WHEN o.payment_status = 'REFUND_DUE' THEN 1 ELSE 0 END
            OR o.payment_status = 'REFUNDED' AND COALESCE(d.confirmed, 0) = 0)
        """,
    ),
    Check(
        "sent_is_booked",
        "What was sent has left the ledger once, with its amount; what was not, or came back, has not.",
        """
        SELECT d.id, d.kind, d.state, d.currency, {disbursed} AS amount,
            COALESCE(t.times, 0) AS sent_times, COALESCE(t.total, 0) AS sent
        FROM orders_disbursement d LEFT JOIN (
            SELECT t.disbursement_id, SUM(CASE WHEN t.kind = 'bounce' THEN -1 ELSE 1 END) AS times, SUM(e.amount) AS total
            FROM orders_ledgertransfer t JOIN orders_ledgerentry e ON e.transfer_id = t.id
            JOIN orders_ledgeraccount a ON a.id = e.account_id
            WHERE t.disbursement_id IS NOT NULL AND a.kind = 'outside' GROUP BY t.disbursement_id) t ON t.disbursement_id = d.id
        WHERE CASE WHEN d.payer_id IS NULL AND d.state IN ('sent', 'confirmed')
            THEN COALESCE(t.times, 0) <> 1 OR t.total <> {disbursed}
            ELSE COALESCE(t.times, 0) <> 0 OR COALESCE(t.total, 0) <> 0 END
        """,
    ),
    Check(
        "disbursement_agrees_with_history",
        "A payout, refund or return is in the state of its last event, and its events are numbered without gaps.",
        """
        SELECT d.id, d.kind, d.state, d.version, v.to_state AS event_state, COALESCE(n.events, 0) AS events
        FROM orders_disbursement d
        LEFT JOIN orders_disbursementevent v ON v.disbursement_id = d.id AND v.number = d.version
        LEFT JOIN (SELECT disbursement_id, COUNT(*) AS events FROM orders_disbursementevent GROUP BY disbursement_id) n
            ON n.disbursement_id = d.id
        WHERE v.id IS NULL OR v.to_state <> d.state OR n.events <> d.version
        """,
    ),
    Check(
        "refundable_is_owed",
        "What is set aside for a client is the sum of their open refunds.",
        """
        SELECT user_id, currency, SUM(held) AS held, SUM(owed) AS owed FROM (
            SELECT a.user_id, a.currency, a.balance AS held, 0 AS owed FROM orders_ledgeraccount a WHERE a.kind = 'refundable'
            UNION ALL
            SELECT d.person_id, d.currency, 0, {disbursed} FROM orders_disbursement d
            WHERE d.kind = 'refund' AND d.payer_id IS NULL AND d.state IN ('requested', 'approved', 'failed')) both_sides
        GROUP BY user_id, currency HAVING SUM(held) <> SUM(owed)
        """,
    ),
    Check(
        "payouts_are_covered",
        "The payouts a freelancer has asked for are no more than their balance.",
        """
        SELECT user_id, currency, SUM(held) AS held, SUM(asked) AS asked FROM (
            SELECT a.user_id, a.currency, a.balance AS held, 0 AS asked FROM orders_ledgeraccount a WHERE a.kind = 'balance'
            UNION ALL
            SELECT d.person_id, d.currency, 0, {disbursed} FROM orders_disbursement d
            WHERE d.kind = 'payout' AND d.state IN ('requested', 'approved')) both_sides
        GROUP BY user_id, currency HAVING SUM(held) < SUM(asked)
        """,
    ),
    Check(
        "suspense_is_explained",
        "What is in suspense is the sum of the statement lines that wait there or were not sent back yet.",
        """
        SELECT currency, SUM(held) AS held, SUM(waiting) AS waiting FROM (
            SELECT a.currency, e.amount AS held, 0 AS waiting FROM orders_ledgerentry e
            JOIN orders_ledgeraccount a ON a.id = e.account_id WHERE a.kind = 'suspense'
            UNION ALL
            SELECT s.currency, 0, {line} FROM orders_statementline s
            WHERE s.state = 'suspense' OR s.state = 'returned' AND NOT EXISTS (
                SELECT 1 FROM orders_disbursement d WHERE d.statement_line_id = s.id AND d.state IN ('sent', 'confirmed'))
            ) both_sides
        GROUP BY currency HAVING SUM(held) <> SUM(waiting)
        """,
    ),
    Check(
        "line_is_booked",
        "A confirmed statement line proves a booked payment; one in suspense, sent back or assigned was booked as orphan once.",
        """
        SELECT s.id, s.state, s.amount, s.currency, COALESCE(t.orphans, 0) AS orphans, COALESCE(p.proofs, 0) AS proofs
        FROM orders_statementline s
        LEFT JOIN (SELECT statement_line_id, SUM(CASE WHEN kind = 'orphan' THEN 1 ELSE 0 END) AS orphans
            FROM orders_ledgertransfer WHERE statement_line_id IS NOT NULL GROUP BY statement_line_id) t
            ON t.statement_line_id = s.id
        LEFT JOIN (SELECT p.statement_line_id, COUNT(DISTINCT p.id) AS proofs
            FROM orders_paymentproof p JOIN orders_ledgertransfer t ON t.proof_id = p.id AND t.kind IN ('deposit', 'assign')
            WHERE p.state = 'verified' AND p.statement_line_id IS NOT NULL GROUP BY p.statement_line_id) p
            ON p.statement_line_id = s.id
        WHERE COALESCE(t.orphans, 0) <> CASE WHEN s.state IN ('suspense', 'returned', 'assigned') THEN 1 ELSE 0 END
            OR COALESCE(p.proofs, 0) <> CASE WHEN s.state IN ('confirmed', 'assigned') THEN 1 ELSE 0 END
        """,
    ),
    Check(
        "line_comes_in_once",
        "What a decided statement line brought in from outside, by itself or through its proof, is its amount.",
        """
        SELECT s.id, s.state, s.currency, {line} AS amount, COALESCE(b.arrived, 0) AS arrived FROM orders_statementline s
        LEFT JOIN (SELECT COALESCE(t.statement_line_id, p.statement_line_id) AS line_id, -SUM(e.amount) AS arrived
            FROM orders_ledgertransfer t LEFT JOIN orders_paymentproof p ON p.id = t.proof_id
            JOIN orders_ledgerentry e ON e.transfer_id = t.id JOIN orders_ledgeraccount a ON a.id = e.account_id
            WHERE t.kind IN ('deposit', 'surplus', 'orphan') AND a.kind = 'outside'
            GROUP BY COALESCE(t.statement_line_id, p.statement_line_id)) b ON b.line_id = s.id
        WHERE COALESCE(b.arrived, 0) <> CASE WHEN s.state IN ('open', 'ignored') THEN 0 ELSE {line} END
        """,
    ),
    Check(
        "reference_is_booked_once",
        "A payment whose reference was confirmed by hand is not booked again as a statement line of the same account.",
        """
        SELECT p.order_id, p.normalized_reference AS reference, s.id AS line, s.state
        FROM orders_statementline s JOIN orders_paymentproof p
            ON p.payment_method_id = s.payment_method_id AND p.normalized_reference = {bank_reference}
        WHERE s.state IN ('confirmed', 'suspense', 'returned', 'assigned') AND s.bank_id <> ''
            AND p.state = 'verified' AND (p.statement_line_id IS NULL OR p.statement_line_id <> s.id)
        """,
    ),
    Check(
        "clock_is_wound",
        "An order is looked at no later than the next instant at which it moves on or somebody is late.",
        """
        SELECT {order}, c.clock, c.at, o.next_clock_at FROM orders_order o JOIN (
            SELECT id, 'dispute' AS clock, dispute_by AS at, 1 AS is_step FROM orders_order WHERE payment_status = 'DISPUTED'
            UNION ALL SELECT id, 'proposal', proposal_by, 1 FROM orders_order WHERE payment_status <> 'DISPUTED'
            UNION ALL SELECT id, 'pay_by', pay_by, 0 FROM orders_order WHERE status = 'PENDING_PAYMENT'
            UNION ALL SELECT id, 'expire', COALESCE(next_clock_at, pay_by), 1 FROM orders_order
                WHERE status = 'PENDING_PAYMENT' AND payment_status = 'AWAIT_DEPOSIT'
            UNION ALL SELECT id, 'review_overdue', review_due_at, 0 FROM orders_order WHERE status = 'PAYMENT_SUBMITTED'
            UNION ALL SELECT id, 'accept_overdue', accept_by, 0 FROM orders_order WHERE status = 'PAYMENT_CONFIRMED'
            UNION ALL SELECT id, 'pause_over', paused_until, 1 FROM orders_order WHERE status = 'IN_PROGRESS'
            UNION ALL SELECT id, 'overdue', due_at, 0 FROM orders_order
                WHERE status = 'REVISION_REQUESTED' OR status = 'IN_PROGRESS' AND paused_until IS NULL
            UNION ALL SELECT id, 'auto_approve', auto_approve_at, 1 FROM orders_order WHERE status = 'SUBMITTED'
            UNION ALL SELECT id, 'hold_over', hold_until, 0 FROM orders_order
                WHERE status IN ('COMPLETED', 'CANCELLED') AND payment_status IN ('RELEASED', 'SPLIT')) c ON c.id = o.id
        WHERE o.updated_at >= %(since)s AND o.clock_failures = 0
            AND (c.is_step = 1 OR c.at > COALESCE(o.reminded_until, o.created_at))
            AND (o.next_clock_at > c.at OR o.next_clock_at IS NULL AND c.at IS NOT NULL)
        """,
    ),
    Check(
        "receipts_have_no_gaps",
        "Receipts are numbered from 1 without gaps.",
        """
        SELECT number, previous FROM (
            SELECT number, LAG(number, 1, 0) OVER (ORDER BY number) AS previous FROM orders_receipt) numbered
        WHERE number <> previous + 1
        """,
    ),
    Check(
        "payment_has_receipt",
        "Every order whose payment was confirmed more than an hour ago has a receipt.",
        """
        SELECT {order}, o.confirmed_at FROM orders_order o LEFT JOIN orders_receipt r ON r.order_id = o.id
        WHERE o.confirmed_at < %(receipt_due)s AND r.id IS NULL AND o.updated_at >= %(since)s
        """,
    ),
)
