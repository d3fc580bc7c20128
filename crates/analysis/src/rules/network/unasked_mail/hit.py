import smtplib

with smtplib.SMTP_SSL("smtp.example.org", 465) as server:
    server.login("robot@mail.example", "not a password")
    server.sendmail("robot@mail.example", "owner@mail.example", "Subject: here\n\nA host is ready.")
