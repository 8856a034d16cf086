"""An Authlib server on Flask with registration behind an initial access token, for interoperability tests.

The methods below are those that Authlib asks for, written as its documentation and its docstrings show them, over maps in
memory. Settings come from the environment, see README.md; whoever starts it keeps its stdin open.
"""

import logging
import os
import secrets
import signal
import sys
import threading

from authlib.integrations.flask_oauth2 import AuthorizationServer, ResourceProtector
from authlib.integrations.sqla_oauth2 import OAuth2AuthorizationCodeMixin, OAuth2ClientMixin, OAuth2TokenMixin
from authlib.oauth2 import OAuth2Error
from authlib.oauth2.rfc6749 import grants
from authlib.oauth2.rfc6750 import BearerTokenValidator
from authlib.oauth2.rfc7591 import ClientRegistrationEndpoint
from authlib.oauth2.rfc7592 import ClientConfigurationEndpoint
from authlib.oauth2.rfc7636 import CodeChallenge
from flask import Flask, jsonify, url_for
from werkzeug.serving import make_server

clients, tokens, codes = {}, {}, {}
metadata = {}


class Row:
    """In place of a row in a database: the library's mixins work on the attributes alone."""

    def __init__(self, **columns):
        for name, value in columns.items():
            setattr(self, name, value)


class Client(Row, OAuth2ClientMixin):
    pass


class Token(Row, OAuth2TokenMixin):
    """An initial access token, or the registration access token of one client."""


class Code(Row, OAuth2AuthorizationCodeMixin):
    pass


class AuthorizationCodeGrant(grants.AuthorizationCodeGrant):
    TOKEN_ENDPOINT_AUTH_METHODS = ["client_secret_basic", "client_secret_post", "none"]

    def save_authorization_code(self, code, request):
        codes[code] = Code(
            code=code,
            client_id=request.client.client_id,
            redirect_uri=request.payload.redirect_uri,
            scope=request.scope,
            code_challenge=request.payload.data.get("code_challenge"),
            code_challenge_method=request.payload.data.get("code_challenge_method"),
        )

    def query_authorization_code(self, code, client):
        item = codes.get(code)
        return item if item and item.client_id == client.client_id else None

    def delete_authorization_code(self, authorization_code):
        del codes[authorization_code.code]

    def authenticate_user(self, authorization_code):
        return "user"


def issue_token(access_token, client_id):
    never = {"issued_at": 0, "expires_in": 0, "access_token_revoked_at": 0, "refresh_token_revoked_at": 0}
    tokens[access_token] = Token(access_token=access_token, client_id=client_id, scope="", **never)


def token_by_header(request):
    header = request.headers.get("Authorization")
    token = tokens.get(header.split()[-1]) if header else None
    return token if token and not token.is_revoked() else None


class Registration(ClientRegistrationEndpoint):
    def authenticate_token(self, request):
        if os.environ.get("RESOURCE_PROTECTOR") == "1":
            return require_oauth.acquire_token()
        token = token_by_header(request)
        # The registration access token of a client registers no further ones.
        return token if token and token.client_id is None else None

    def get_server_metadata(self):
        return metadata

    def save_client(self, client_info, client_metadata, request):
        clients[client_info["client_id"]] = client = Client(**client_info)
        client.set_client_metadata(client_metadata)
        return client

    def generate_client_registration_info(self, client, request):
        access_token = secrets.token_urlsafe(32)
        issue_token(access_token, client.client_id)
        return {
            # The documentation leaves _external out, and a path alone is no URL.
            "registration_client_uri": url_for("configuration", client_id=client.client_id, _external=True),
            "registration_access_token": access_token,
        }


class Configuration(ClientConfigurationEndpoint):
    def authenticate_token(self, request):
        return token_by_header(request)

    def authenticate_client(self, request):
        return clients.get(request.uri.rstrip("/").rsplit("/", 1)[-1])

    # The docstring has the two parameters the other way round than the library passes them.
    def revoke_access_token(self, request, token):
        token.access_token_revoked_at = 1

    def check_permission(self, client, request):
        return True

    def delete_client(self, client, request):
        del clients[client.client_id]

    def update_client(self, client, client_metadata, request):
        client.set_client_metadata({**client.client_metadata, **client_metadata})
        return client

    def generate_client_registration_info(self, client, request):
        return {
            "registration_client_uri": request.uri,
            "registration_access_token": request.headers["Authorization"].split(" ")[1],
        }

    def get_server_metadata(self):
        return metadata


class Validator(BearerTokenValidator):
    def authenticate_token(self, token_string):
        token = tokens.get(token_string)
        return token if token and token.client_id is None else None


app = Flask(__name__)
require_oauth = ResourceProtector()
require_oauth.register_token_validator(Validator())
server = AuthorizationServer(app, query_client=clients.get, save_token=lambda token, request: None)
server.register_grant(AuthorizationCodeGrant, [CodeChallenge(required=True)])
server.register_grant(grants.ClientCredentialsGrant)
server.register_endpoint(Registration)
server.register_endpoint(Configuration)


@app.route("/register", methods=["POST"])
def register():
    return server.create_endpoint_response(Registration.ENDPOINT_NAME)


@app.route("/register/<client_id>", methods=["GET", "PUT", "DELETE"])
def configuration(client_id):
    return server.create_endpoint_response(Configuration.ENDPOINT_NAME)


@app.route("/token", methods=["POST"])
def token():
    return server.create_token_response()


@app.route("/authorize", methods=["GET"])
def authorize():
    try:
        server.get_consent_grant(end_user="user")
    except OAuth2Error as error:
        return server.handle_error_response(None, error)
    return "A page that asks the user. Nobody answers it here."


@app.route("/.well-known/oauth-authorization-server")
def well_known():
    return jsonify(metadata)


@app.route("/_clients")
def held():
    return jsonify(clients=list(clients))


def die_with_stdin():
    """The server must not outlive the test that started it."""
    try:
        while sys.stdin.buffer.read(4096):
            pass
    finally:
        os._exit(0)


# One line a request is too many for the output of a test; stack traces stay.
logging.getLogger("werkzeug").setLevel(logging.WARNING)

# The issuer names the port, so the metadata can be made only once a free port is known.
listener = make_server("127.0.0.1", int(os.environ.get("PORT") or 0), app, threaded=True)
issuer = f"http://127.0.0.1:{listener.server_port}"
metadata.update(
    issuer=issuer,
    authorization_endpoint=f"{issuer}/authorize",
    token_endpoint=f"{issuer}/token",
    registration_endpoint=f"{issuer}/register",
    scopes_supported=["profile", "email"],
    response_types_supported=["code"],
    grant_types_supported=["authorization_code", "client_credentials"],
    token_endpoint_auth_methods_supported=AuthorizationCodeGrant.TOKEN_ENDPOINT_AUTH_METHODS,
    code_challenge_methods_supported=["S256", "plain"],
)
initial = os.environ.get("INITIAL_ACCESS_TOKEN") or secrets.token_urlsafe(32)
issue_token(initial, None)
# In one piece: whoever reads may be gone after the line that it needs.
os.write(1, f"ISSUER={issuer}\nREGISTRATION_ENDPOINT={issuer}/register\nINITIAL_ACCESS_TOKEN={initial}\n".encode())
signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
signal.signal(signal.SIGINT, lambda *_: os._exit(0))
threading.Thread(target=die_with_stdin, daemon=True).start()
listener.serve_forever()
