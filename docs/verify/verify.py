#!/usr/bin/env python3
"""A second implementation of the verification of SIGMA certificates: the standard library and `cryptography`, no network.

    verify.py --root trusted_root.json [--file FILE | --file-set HASH] [--files LISTS] [--refuse-stale] [--witnesses N]
              [--now RFC3339] BUNDLE...

Prints one line of JSON for each bundle: the outcome, and every check as proven, not-proven or failed with the reason; with
--files, whether these lists of files are the ones that the certificate signs.
Ends with 0 when all are valid, 3 when nothing failed but revocation is not known to be fresh, 1 otherwise.
Formats: in-toto Statement v1, DSSE, sigstore bundle v0.3, RFC 9162, C2SP signed-note, tlog-checkpoint, tlog-cosignature.
"""
import argparse, base64, datetime, hashlib, json, pathlib, re, sys
from canonical import SAFE, Refused, admit, canonical, keccak256, need
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519

BUNDLE = "application/vnd.dev.sigstore.bundle.v0.3+json"
CERTIFICATE = "application/vnd.sigma.certificate-bundle.v1+json"
IN_TOTO = "application/vnd.in-toto+json"
NAMES = "format signature entry checkpoint inclusion log-time witnesses statement payload anchor artifact status".split()
SKEW = 300


# The shapes of bundles: exactly these members; those with a question mark may be missing.
def b64(text):
    need(isinstance(text, str), "base64 is text")
    try:
        data = base64.b64decode(text, validate=True)
    except ValueError:
        raise Refused("not base64")
    need(base64.b64encode(data).decode() == text, "not the one spelling of base64")
    return data


def int64(text):
    need(isinstance(text, str) and re.fullmatch("0|[1-9][0-9]{0,18}", text) and int(text) < 2**63, "not a whole number")
    return int(text)


def hexes(digits):
    def read(text):
        need(isinstance(text, str) and re.fullmatch("0x[0-9a-f]{%d}" % digits, text), "not 0x and lower-case digits")
        return text
    return read


PROOF = {"logIndex": int64, "rootHash": b64, "treeSize": int64, "?hashes": [b64], "checkpoint": {"envelope": str}}
ENTRY = {
    "logIndex": int64, "logId": {"keyId": b64}, "kindVersion": {"kind": str, "version": str}, "integratedTime": int64,
    "inclusionPromise": {"signedEntryTimestamp": b64}, "inclusionProof": PROOF, "canonicalizedBody": b64,
}  # fmt: skip
ENVELOPE = {"payload": b64, "payloadType": str, "signatures": ({"sig": b64, "keyid": str},)}
MATERIAL = {"publicKey": {"hint": str}, "tlogEntries": (ENTRY,)}
SIGSTORE = {"mediaType": BUNDLE, "verificationMaterial": MATERIAL, "dsseEnvelope": ENVELOPE}
LOG = {"size": int64, "rootHash": b64, "?hashes": [b64]}
ANCHOR = {"chainId": int64, "contract": hexes(40), "?transaction": hexes(64), "block": int64, "?log": LOG}
OURS = {"mediaType": CERTIFICATE, "attestation": SIGSTORE, "payload": None, "?status": SIGSTORE, "?anchor": ANCHOR}
NULLABLE = ("?status", "?anchor", "?transaction", "?log")


def shaped(value, shape):
    if shape is None:
        return value
    if shape is str:
        need(isinstance(value, str), "expected text")
        return value
    if isinstance(shape, str):
        need(value == shape, f"expected {shape}")
        return value
    if isinstance(shape, (list, tuple)):
        need(isinstance(value, list) and (isinstance(shape, list) or len(value) == 1), "expected a list")
        return [shaped(item, shape[0]) for item in value]
    if not isinstance(shape, dict):
        return shape(value)
    names = {name.lstrip("?") for name in shape}
    need(isinstance(value, dict) and set(value) <= names, "other members")
    need(all(name in value for name in shape if name[0] != "?"), "a member is missing")
    return {name: shaped(value[name.lstrip("?")], part) for name, part in shape.items() if name.lstrip("?") in value
            and not (name in NULLABLE and value[name[1:]] is None)}  # fmt: skip


# Keys and notes.
def signed(key, message, signature):
    try:
        if isinstance(key, ec.EllipticCurvePublicKey):
            key.verify(signature, message, ec.ECDSA(hashes.SHA256()))
        else:
            key.verify(signature, message)
        return True
    except InvalidSignature:
        return False


def note_hash(name, kind, raw):
    return hashlib.sha256(name.encode() + b"\n" + bytes([kind]) + raw).digest()


def parse_note(text):
    need("\n\n" in text and not any(ord(c) < 32 and c != "\n" or 127 <= ord(c) < 160 for c in text), "not a note")
    body, lines = text.rsplit("\n\n", 1)
    need(lines.endswith("\n") and lines.count("\n") <= 100, "not a note")
    signatures = []
    for line in lines[:-1].split("\n"):
        match = re.fullmatch(r"— ([^\s+]+) (\S+)", line)
        need(match and len(b64(match[2])) > 4, "not a signature line")
        signatures.append((match[1], b64(match[2])[:4], b64(match[2])[4:]))
    return body + "\n", signatures


def by_key(signatures, name, identity):
    found = [signature for other, key_id, signature in signatures if (other, key_id) == (name, identity)]
    need(len(found) < 2, "two signatures by one key")
    return found[0] if found else None


def moment(text):
    return datetime.datetime.fromisoformat(text).timestamp()


class Root:
    def __init__(self, data):
        root = admit(data)
        self.issuers = {}
        for item in root["issuers"]:
            spki = b64(item["publicKey"])
            key = serialization.load_der_public_key(spki)
            self.issuers[hashlib.sha256(spki).hexdigest()] = (key, spki, item)
        self.logs, self.witnesses, self.threshold = {}, [], root["witnessThreshold"]
        for item in root["logs"]:
            raw = b64(item["publicKey"])[12:]
            key = ed25519.Ed25519PublicKey.from_public_bytes(raw)
            self.logs[note_hash(item["origin"], 1, raw)] = (key, item)
        for verifier in root["witnesses"]:
            name, _, material = verifier.split("+", 2)
            raw = b64(material)[1:]
            self.witnesses.append((name, note_hash(name, 4, raw)[:4], raw))


# The checks, in their order.
class Verifier:
    def __init__(self, root, now, refuse_stale=False, witnesses=None, artifact=None):
        self.root, self.now, self.refuse_stale, self.artifact = root, now, refuse_stale, artifact
        self.wanted = root.threshold if witnesses is None else witnesses

    def verify(self, data):
        checks = []
        try:
            for name, state, detail in self.certificate(data):
                checks.append({"check": name, "state": state, "detail": detail})
        except (Refused, ValueError, OverflowError, KeyError, TypeError, AttributeError) as error:
            checks.append({"check": NAMES[len(checks)], "state": "failed", "detail": str(error) or repr(error)})
        failed = any(check["state"] == "failed" for check in checks)
        for name in NAMES[len(checks) :]:
            checks.append({"check": name, "state": "not-proven", "detail": "a check before it failed"})
        fresh = checks[-1]["state"] == "proven"
        outcome = "invalid" if failed else "valid" if fresh else "valid-freshness-unknown"
        return {"outcome": outcome, "checks": checks}

    def certificate(self, data):
        value = admit(data)
        ours = isinstance(value, dict) and value.get("mediaType") == CERTIFICATE
        document = shaped(value, OURS if ours else SIGSTORE)
        yield "format", "proven", CERTIFICATE if ours else BUNDLE
        statement, _ = yield from self.attestation(document["attestation"] if ours else document)
        need(statement["predicateType"] == "https://in-toto.io/attestation/svr/v0.2", "not about a certificate")
        claim = statement["predicate"]["sigmaCertificate"]
        yield "statement", "proven", claim["certificateId"]
        if ours:
            payload = canonical(document["payload"]).encode()
            identity = hashlib.sha256(claim["schema"].encode() + b"\0" + payload).digest()[:20]
            identity = claim["certificateId"].split("_")[0] + "_" + base64.b32encode(identity).decode().lower()
            need(claim["payloadHashAlgorithm"] == "keccak256-canonical-json-v1", "another algorithm")
            need(claim["payloadHash"] == "0x" + keccak256(payload).hex(), "the payload has another keccak256")
            need(claim["payloadSha256"] == hashlib.sha256(payload).hexdigest(), "the payload has another SHA-256")
            need(claim["certificateId"] == identity, "the payload has another id")
            yield "payload", "proven", claim["payloadHash"]
        else:
            yield "payload", "not-proven", "the bundle holds no payload"
        anchor = document.get("?anchor")
        if anchor and anchor.get("?log"):
            log, entry = anchor["?log"], document["attestation"]["verificationMaterial"]["tlogEntries"][0]
            leaf, hashes = entry["canonicalizedBody"], log.get("?hashes", [])
            reached = included(leaf, entry["inclusionProof"]["logIndex"], log["size"], hashes, log["rootHash"])
            need(reached and len(hashes) < 64, "the proof does not lead to the root on the chain")
        yield "anchor", "not-proven", "no node is asked here" if anchor else "the bundle names no chain"
        if self.artifact:
            algorithm, digest = self.artifact
            found = any(subject["digest"].get(algorithm) == digest for subject in statement["subject"])
            need(found, f"{algorithm} {digest} is not among what was certified")
            yield "artifact", "proven", digest
        else:
            yield "artifact", "not-proven", "no file was given"
        yield "status", *self.status(document.get("?status"), claim["certificateId"])

    def attestation(self, bundle):
        envelope, material = bundle["dsseEnvelope"], bundle["verificationMaterial"]
        (entry,), (signature,), hint = material["tlogEntries"], envelope["signatures"], material["publicKey"]["hint"]
        need(hint in self.root.issuers and signature["keyid"] == hint, "no such issuer key")
        need(envelope["payloadType"] == IN_TOTO, "another type of payload")
        key, spki, issuer = self.root.issuers[hint]
        payload = envelope["payload"]
        message = b"DSSEv1 %d %s %d %s" % (len(IN_TOTO), IN_TOTO.encode(), len(payload), payload)
        need(signed(key, message, signature["sig"]), "not a signature over this envelope")
        yield "signature", "proven", hint
        text = lambda data: base64.b64encode(data).decode()
        verifier = {"keyDetails": "PKIX_ECDSA_P256_SHA_256", "publicKey": {"rawBytes": text(spki)}}
        spec = {"data": {"algorithm": "SHA2_256", "digest": text(hashlib.sha256(message).digest())},
                "signature": {"content": text(signature["sig"]), "verifier": verifier}}  # fmt: skip
        leaf = canonical({"apiVersion": "0.0.2", "kind": "hashedrekord", "spec": {"hashedRekordV002": spec}}).encode()
        need(entry["kindVersion"] == {"kind": "hashedrekord", "version": "0.0.2"}, "another kind of entry")
        need(entry["canonicalizedBody"] == leaf, "the entry is not that of this envelope")
        yield "entry", "proven", "it is that of this envelope"
        proof, log_id = entry["inclusionProof"], entry["logId"]["keyId"]
        need(log_id in self.root.logs, "no such log")
        log_key, log = self.root.logs[log_id]
        body, signatures = parse_note(proof["checkpoint"]["envelope"])
        lines = body[:-1].split("\n")
        need(len(lines) == 3 and lines[0] == log["origin"], "not a checkpoint of this log")
        size, root_hash = int64(lines[1]), b64(lines[2])
        need(size <= SAFE and len(root_hash) == 32, "not a checkpoint")
        by_log = by_key(signatures, log["origin"], log_id[:4])
        need(by_log is not None and signed(log_key, body.encode(), by_log), "not signed by the log")
        need((proof["treeSize"], proof["rootHash"]) == (size, root_hash), "another size or root beside the proof")
        yield "checkpoint", "proven", f"{lines[0]} at {size}"
        index = proof["logIndex"]
        need(entry["logIndex"] == index, "the entry has two positions")
        need(included(leaf, index, size, proof.get("?hashes", []), root_hash), "the proof does not lead to the root")
        yield "inclusion", "proven", f"entry {index} of {size}"
        time = entry["integratedTime"]
        promise = canonical({"body": text(leaf), "integratedTime": time, "logID": log_id.hex(), "logIndex": index})
        need(signed(log_key, promise.encode(), entry["inclusionPromise"]["signedEntryTimestamp"]), "another time")
        need(time <= self.now + SKEW, "logged in the future")
        for whose, item in (("issuer", issuer), ("log", log)):
            window, revoked = item["validFor"], item.get("revoked")
            need(moment(window["start"]) <= time, f"before the key of the {whose} was good")
            need(not window.get("end") or time < moment(window["end"]), f"the key of the {whose} expired")
            need(not revoked or time < moment(revoked["since"]), f"the key of the {whose} is revoked")
        yield "log-time", "proven", str(time)
        seen, unknown = set(), len(signatures) - 1
        for name, identity, raw in self.root.witnesses:
            line = by_key(signatures, name, identity)
            if line is not None:
                message = b"cosignature/v1\ntime %d\n%s" % (int.from_bytes(line[:8], "big"), body.encode())
                need(signed(ed25519.Ed25519PublicKey.from_public_bytes(raw), message, line[8:]), "a forged witness")
                unknown -= 1
                if int.from_bytes(line[:8], "big") <= self.now + SKEW:
                    seen.add(raw)
        detail = f"{len(seen)} signed, {self.wanted} asked for, {unknown} unknown"
        need(len(seen) >= self.wanted, detail)
        yield "witnesses", "proven" if seen else "not-proven", detail
        statement = admit(payload)
        need(statement["_type"] == "https://in-toto.io/Statement/v1", "not a statement")
        return statement, size

    def status(self, bundle, identity):
        stale = "failed" if self.refuse_stale else "not-proven"
        if not bundle:
            return stale, "the bundle holds no status list"
        checks = self.attestation(bundle)
        try:
            while True:
                next(checks)
        except StopIteration as end:
            statement, size = end.value
        need(statement["predicateType"] == "urn:sigma:status-list:v1", "not a status list")
        status = statement["predicate"]
        since, until = moment(status["asOf"]), moment(status["expires"])
        need(since < until and since <= self.now + SKEW and status["logSize"] <= size, "a status list that cannot be")
        for revoked in status["revoked"]:
            if revoked["certificateId"] == identity:
                return "failed", f"{revoked['status']} at {revoked['at']}"
        if self.now >= until:
            return stale, f"the status list expired at {status['expires']}"
        return "proven", f"not revoked as of {status['asOf']}"


def included(leaf, index, size, proof, root_hash):  # RFC 9162, section 2.1.3.2
    node, last, current = index, size - 1, hashlib.sha256(b"\0" + leaf).digest()
    if index >= size:
        return False
    for sibling in proof:
        if last == 0 or len(sibling) != 32:
            return False
        if node & 1 or node == last:
            current = hashlib.sha256(b"\1" + sibling + current).digest()
            while not node & 1 and node:
                node, last = node >> 1, last >> 1
        else:
            current = hashlib.sha256(b"\1" + current + sibling).digest()
        node, last = node >> 1, last >> 1
    return last == 0 and current == root_hash


def listed(payload, lists):  # a list is believed where it has the signed hash, and cannot be read as another one
    entries = {entry["sha256"]: entry for entry in payload["distributions"]}
    for given in lists["distributions"]:
        need(given["sha256"] in entries, "a list of another distribution")
        entry, files = entries[given["sha256"]], sorted((file["path"].encode(), file["sha256"]) for file in given["files"])
        need(len(files) == entry["coverage"]["files"], "another number of files")
        need(not any(re.search(b"[0-9a-f]{64}", path) for path, _ in files), "a path that holds a digest")
        text = b"".join(path + digest.encode() for path, digest in files)
        need(hashlib.sha256(text).hexdigest() == entry["fileSetHash"], "another file-set hash")
    return "proven"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("bundles", nargs="*", type=pathlib.Path)
    parser.add_argument("--root", type=pathlib.Path, required=True)
    for option, kind in (("--file", pathlib.Path), ("--file-set", str), ("--files", pathlib.Path), ("--witnesses", int)):
        parser.add_argument(option, type=kind)
    parser.add_argument("--now", type=moment, default=datetime.datetime.now().timestamp())
    parser.add_argument("--refuse-stale", action="store_true")
    options = parser.parse_args()
    artifact = ("sha256-sorted-files-v1", options.file_set) if options.file_set else None
    if options.file:
        artifact = ("sha256", hashlib.sha256(options.file.read_bytes()).hexdigest())
    root = Root(options.root.read_bytes())
    verifier = Verifier(root, options.now, options.refuse_stale, options.witnesses, artifact)
    reports = [verifier.verify(path.read_bytes()) for path in options.bundles]
    for path, report in zip(options.bundles, reports):
        if options.files and report["outcome"] != "invalid":
            try:
                report["files"] = listed(admit(path.read_bytes())["payload"], admit(options.files.read_bytes()))
            except (Refused, KeyError, TypeError, AttributeError) as error:
                report["files"], report["outcome"] = f"failed: {error}", "invalid"
        print(json.dumps(report))
    outcomes = {report["outcome"] for report in reports}
    sys.exit(1 if "invalid" in outcomes or not outcomes else 3 if "valid-freshness-unknown" in outcomes else 0)


if __name__ == "__main__":
    main()
