from django.urls import path

from gigs import views

app_name = "gigs"
urlpatterns = [
    path("", views.gig_list, name="list"),
    path("mine/", views.mine, name="mine"),
    path("new/", views.create, name="create"),
    path("<uuid:gig_id>/edit/", views.edit, name="edit"),
    path("<uuid:gig_id>/pause/", views.pause, name="pause"),
    path("<uuid:gig_id>/resume/", views.resume, name="resume"),
    path("<uuid:gig_id>/archive/", views.archive, name="archive"),
    path("<uuid:gig_id>/restore/", views.restore, name="restore"),
    path("<uuid:gig_id>/pictures/", views.pictures, name="pictures"),
    path("<uuid:gig_id>/pictures/<int:image_id>/move/", views.picture_move, name="picture_move"),
    path("<uuid:gig_id>/pictures/<int:image_id>/remove/", views.picture_remove, name="picture_remove"),
]
