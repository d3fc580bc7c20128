const admіn = true;
if (admіn) console.log("in");
