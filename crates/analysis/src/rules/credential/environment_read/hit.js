const debug = process.env.DEBUG;
