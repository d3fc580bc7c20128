import smtplib


def report(host, text):
    with smtplib.SMTP_SSL(host) as server:
        server.sendmail("bot@service.example", ["ops@service.example", "dev@service.example"], text)


def forward(host, sender, to, also, text):
    with smtplib.SMTP_SSL(host) as server:
        server.sendmail(sender, [to, also], text)
