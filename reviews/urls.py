from django.urls import path

from reviews import views

app_name = "reviews"
urlpatterns = [
    path("orders/<uuid:order_id>/review/", views.write, name="write"),
    path("reviews/<int:review_id>/reply/", views.reply, name="reply"),
]
