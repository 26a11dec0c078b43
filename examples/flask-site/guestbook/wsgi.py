"""What a WSGI server loads: `gunicorn guestbook.wsgi:app`."""

from guestbook import create_app

app = create_app()
