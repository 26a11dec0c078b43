from fastapi.testclient import TestClient

from quotes.main import app

client = TestClient(app)


def test_quotes_are_counted_from_one():
    assert client.get("/quotes/1").json()["author"] == "Edsger W. Dijkstra"
    assert client.get("/quotes/0").status_code == 404
    assert client.get("/quotes/4").status_code == 404
    assert len(client.get("/quotes").json()["quotes"]) == 3
