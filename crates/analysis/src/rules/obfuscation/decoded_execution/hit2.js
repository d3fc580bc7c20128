new Function(atob("YWxlcnQoMSk="))();
