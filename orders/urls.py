from django.urls import path

from orders.views import files, methods, pages, steps

app_name = "orders"
urlpatterns = [
    path("orders/", pages.order_list, name="list"),
    path("orders/new/<uuid:gig_id>/", pages.place, name="place"),
    path("orders/<uuid:order_id>/", pages.detail, name="detail"),
    path("orders/<uuid:order_id>/qr/<slug:what>.svg", files.qr, name="qr"),
    # the steps of docs/orders.md
    path("orders/<uuid:order_id>/submit-payment/", steps.submit_payment, name="submit_payment"),
    path("orders/<uuid:order_id>/cancel/", steps.cancel, name="cancel"),
    path("orders/<uuid:order_id>/confirm-payment/", steps.confirm_payment, name="confirm_payment"),
    path("orders/<uuid:order_id>/reject-payment/", steps.reject_payment, name="reject_payment"),
    path("orders/<uuid:order_id>/start-work/", steps.start_work, name="start_work"),
    path("orders/<uuid:order_id>/submit-work/", steps.submit_work, name="submit_work"),
    path("orders/<uuid:order_id>/approve/", steps.approve, name="approve"),
    path("orders/<uuid:order_id>/request-revision/", steps.request_revision, name="request_revision"),
    # files of the parties
    path("orders/proofs/<uuid:proof_id>/receipt/", files.receipt, name="receipt"),
    path("orders/deliveries/<uuid:file_id>/", files.delivery_file, name="delivery_file"),
    # a freelancer's own accounts
    path("settings/payment-methods/", methods.method_list, name="method_list"),
    path("settings/payment-methods/new/", methods.method_create, name="method_create"),
    path("settings/payment-methods/<uuid:method_id>/edit/", methods.method_edit, name="method_edit"),
    path("settings/payment-methods/<uuid:method_id>/archive/", methods.method_archive, name="method_archive"),
]
