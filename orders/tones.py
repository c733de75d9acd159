"""The tone in which pages and badges show each status."""

from orders.states import PaymentStatus, Status

WORK_TONES = {
    Status.PENDING_PAYMENT: "wait",
    Status.PAYMENT_SUBMITTED: "info",
    Status.PAYMENT_CONFIRMED: "info",
    Status.IN_PROGRESS: "info",
    Status.SUBMITTED: "wait",
    Status.REVISION_REQUESTED: "wait",
    Status.DISPUTED: "problem",
    Status.COMPLETED: "ok",
    Status.CANCELLED: "neutral",
    Status.EXPIRED: "neutral",
}
MONEY_TONES = {
    PaymentStatus.AWAIT_DEPOSIT: "neutral",
    PaymentStatus.PARTIALLY_FUNDED: "wait",
    PaymentStatus.FUNDS_HELD: "ok",
    PaymentStatus.DISPUTED: "problem",
    PaymentStatus.RELEASED: "ok",
    PaymentStatus.REFUNDED: "neutral",
    PaymentStatus.SPLIT: "neutral",
    PaymentStatus.PAID_DIRECT: "neutral",
    PaymentStatus.REFUND_DUE: "problem",
}
