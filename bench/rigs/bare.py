"""What requests are measured against: a bare Flask function that runs one query."""

from __future__ import annotations

from flask import Flask, Response, jsonify
from psycopg_pool import ConnectionPool


def create_app(postgres_url: str) -> Flask:
    """One route, one pool, one query by primary key."""
    app = Flask("bare", static_folder=None)
    pool = ConnectionPool(postgres_url, kwargs={"autocommit": True}, open=True)

    @app.get("/")
    def one() -> Response:
        with pool.connection() as connection:
            row = connection.execute("select id from app.plans where id = 'pro'").fetchone()
        return jsonify(row)

    return app
