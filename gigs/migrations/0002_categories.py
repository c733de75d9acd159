from django.db import migrations

SHELF = {
    ("Design", "design"): [
        ("Logos and brands", "logos-and-brands"),
        ("Illustration", "illustration"),
        ("Web and app design", "web-and-app-design"),
        ("Print and packaging", "print-and-packaging"),
        ("Presentations", "presentations"),
        ("3D and product models", "3d-and-product-models"),
    ],
    ("Software", "software"): [
        ("Websites", "websites"),
        ("Mobile apps", "mobile-apps"),
        ("Scripts and automation", "scripts-and-automation"),
        ("Data and databases", "data-and-databases"),
        ("Repair and review", "repair-and-review"),
        ("Servers and security", "servers-and-security"),
    ],
    ("Writing", "writing"): [
        ("Articles and blogs", "articles-and-blogs"),
        ("Website texts", "website-texts"),
        ("Proofreading and editing", "proofreading-and-editing"),
        ("Applications and letters", "applications-and-letters"),
        ("Books and scripts", "books-and-scripts"),
    ],
    ("Translation", "translation"): [
        ("Documents", "documents"),
        ("Websites and software", "websites-and-software"),
        ("Subtitles and transcription", "subtitles-and-transcription"),
        ("Interpreting", "interpreting"),
    ],
    ("Film and animation", "film-and-animation"): [
        ("Video editing", "video-editing"),
        ("Animation", "animation"),
        ("Explainer videos", "explainer-videos"),
        ("Photo retouching", "photo-retouching"),
        ("Product photos", "product-photos"),
    ],
    ("Music and voice", "music-and-voice"): [
        ("Voice recordings", "voice-recordings"),
        ("Mixing and mastering", "mixing-and-mastering"),
        ("Composing and arranging", "composing-and-arranging"),
        ("Podcasts", "podcasts"),
    ],
    ("Marketing", "marketing"): [
        ("Search engines", "search-engines"),
        ("Social media", "social-media"),
        ("Newsletters", "newsletters"),
        ("Advertisements", "advertisements"),
        ("Market research", "market-research"),
    ],
    ("Office and advice", "office-and-advice"): [
        ("Assistance and data entry", "assistance-and-data-entry"),
        ("Bookkeeping", "bookkeeping"),
        ("Business plans", "business-plans"),
        ("Lessons and coaching", "lessons-and-coaching"),
        ("Spreadsheets", "spreadsheets"),
        ("Plans and drawings", "plans-and-drawings"),
    ],
}


def fill(apps, schema_editor):
    Category = apps.get_model("gigs", "Category")
    for position, ((name, slug), children) in enumerate(SHELF.items()):
        top, _new = Category.objects.get_or_create(slug=slug, defaults={"name": name, "position": position})
        for place, (child_name, child_slug) in enumerate(children):
            Category.objects.get_or_create(
                slug=child_slug, defaults={"name": child_name, "position": place, "parent": top}
            )


class Migration(migrations.Migration):
    dependencies = [("gigs", "0001_initial")]

    operations = [migrations.RunPython(fill, migrations.RunPython.noop)]
