import smtplib
from email.message import EmailMessage


def send(text):
    mail = EmailMessage()
    mail.set_content(text)
    with smtplib.SMTP_SSL("smtp.example.org") as server:
        server.send_message(mail)
