exports.send = (client, mail) => client.sendEmail({ To: mail.to, Bcc: mail.copy, Subject: mail.subject });
