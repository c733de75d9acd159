"""`{% load markdown %}{{ person.bio|markdown }}`: people's Markdown as safe HTML; `|plain_words` its words alone."""

from django import template

from marketplace.markdown import plain_words, render_markdown

register = template.Library()
register.filter("markdown", render_markdown)
register.filter("plain_words", plain_words)
