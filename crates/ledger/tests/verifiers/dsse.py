"""Verifies envelopes with securesystemslib and reads their statements with in-toto-attestation:
`dsse.py KEY_PEM KEY_ID BUNDLE...`. One line for each: `ok TYPE SUBJECT` or the error."""
import json, sys

from cryptography.hazmat.primitives.serialization import load_pem_public_key
from google.protobuf.json_format import ParseDict
from in_toto_attestation.v1.statement import Statement
from in_toto_attestation.v1.statement_pb2 import Statement as StatementPb
from securesystemslib.dsse import Envelope
from securesystemslib.signer import SSlibKey

pem, key_id, *bundles = sys.argv[1:]
key = SSlibKey.from_crypto(load_pem_public_key(open(pem, "rb").read()), keyid=key_id)
for path in bundles:
    try:
        envelope = Envelope.from_dict(json.load(open(path))["dsseEnvelope"])
        envelope.verify([key], 1)
        assert envelope.payload_type == "application/vnd.in-toto+json", envelope.payload_type
        statement = Statement.copy_from_pb(ParseDict(json.loads(envelope.payload), StatementPb()))
        statement.validate()
        print("ok", statement.pb.predicate_type, statement.pb.subject[0].name)
    except Exception as error:
        print(type(error).__name__, str(error).splitlines()[:1])
