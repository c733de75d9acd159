"""`{% load markdown %}{{ person.bio|markdown }}`: people's Markdown as safe HTML."""

from django import template

from marketplace.markdown import render_markdown

register = template.Library()
register.filter("markdown", render_markdown)
