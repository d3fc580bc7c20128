from email.message import EmailMessage


def message(to, copies, text):
    one = EmailMessage()
    one["To"] = to
    one["Bcc"] = ", ".join(copies)
    one.set_content(text)
    return one
