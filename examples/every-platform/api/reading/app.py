"""The API: books to read, kept in SQLite."""

import os
import sqlite3
from contextlib import closing

from fastapi import Depends, FastAPI, Header, HTTPException
from fastapi.middleware.cors import CORSMiddleware
from pydantic import BaseModel, Field

DATABASE = os.environ.get("DATABASE", "reading.db")
ORIGINS = [origin for origin in os.environ.get("CORS_ORIGINS", "").split(",") if origin]

app = FastAPI(title="Reading list")
app.add_middleware(CORSMiddleware, allow_origins=ORIGINS, allow_methods=["GET", "POST", "DELETE"], allow_headers=["*"])


class Book(BaseModel):
    """A book to read."""

    title: str = Field(min_length=1, max_length=200)


def connect():
    """A connection; the table is there afterwards."""
    connection = sqlite3.connect(DATABASE)
    connection.execute("CREATE TABLE IF NOT EXISTS books (id INTEGER PRIMARY KEY, title TEXT NOT NULL)")
    return closing(connection)


def books(connection):
    """All books, the newest first."""
    rows = connection.execute("SELECT id, title FROM books ORDER BY id DESC")
    return [{"id": number, "title": title} for number, title in rows]


def administrator(authorization: str = Header(default="")):
    """Lets through whoever knows ADMIN_TOKEN."""
    if authorization != f"Bearer {os.environ['ADMIN_TOKEN']}":
        raise HTTPException(401, "this needs the administrator's token")


@app.get("/api/health")
def health():
    """Works where the database can be read."""
    with connect() as connection:
        connection.execute("SELECT 1 FROM books LIMIT 1")
    return {"status": "ok"}


@app.get("/api/books")
def read():
    """All books."""
    with connect() as connection:
        return books(connection)


@app.post("/api/books")
def add(book: Book):
    """Adds a book and gives them all."""
    with connect() as connection, connection:
        connection.execute("INSERT INTO books (title) VALUES (?)", (book.title,))
        return books(connection)


@app.delete("/api/books", dependencies=[Depends(administrator)])
def clear():
    """Forgets all books."""
    with connect() as connection, connection:
        connection.execute("DELETE FROM books")
    return []
