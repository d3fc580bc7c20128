import os
import smtplib


def notify(receiver, text):
    with smtplib.SMTP_SSL("smtp.example.org", 465) as server:
        server.login(os.environ["MAIL_USER"], os.environ["MAIL_WORD"])
        server.sendmail(os.environ["MAIL_USER"], receiver, text)


notify("operations@mail.example", "Subject: loaded\n\n")
